// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_MARIADB_KEY_IDENTITY_H_
#define OPENKEYRING_STORAGE_KMIP_MARIADB_KEY_IDENTITY_H_

#include <optional>
#include <string>

#include "base/result.h"
#include "keyring/versioned_backend.h"
#include "kmip/attributes.h"

namespace openkeyring {

// Which of MariaDB's keys an object of a KMIP server is.
struct MariaDbKeyIdentity {
  KeyVersion key;
  std::string nonce;  // Of one attempt to make it.
  bool operator==(const MariaDbKeyIdentity&) const = default;
};

// The Application Specific Information that says so.
KmipApplicationInfo WriteMariaDbKeyIdentity(const MariaDbKeyIdentity& identity);

// Nothing for objects of others; kCorrupt for what is marked as ours and cannot
// be read.
Result<std::optional<MariaDbKeyIdentity>> ReadMariaDbKeyIdentity(
    const KmipAttributes& attributes);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_MARIADB_KEY_IDENTITY_H_
