// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_AUTH_H_
#define OPENKEYRING_EMULATORS_KMS_AUTH_H_

#include <set>
#include <string>

#include "emulators/kms/caller.h"
#include "emulators/kms/key_store.h"
#include "emulators/shared/http_message.h"
#include "os/clock.h"

namespace kms_emulator {

using emulators::Header;
using emulators::HttpMessage;

// Verifies Signature Version 4 of requests as KMS does: every check that AWS
// makes, and its error names and texts (those of the JSON protocol; the STS
// service translates them to its own).
//
// Checked: the parts of the Authorization header, the date (five minutes either
// way), the scope (date, region, service), that host, x-amz-date and
// x-amz-security-token are signed, the access key, its session token and
// expiry, and the signature over method, path, query, headers and body. The
// stages come from aws/sigv4.h, which published vectors and other signers
// check; only the comparison happens here, in constant time.
//
// Threads: Verify may be called concurrently.
class Authenticator {
 public:
  // `regions` are those a scope may name.
  Authenticator(const KeyStore& store, std::set<std::string> regions)
      : store_(store), regions_(std::move(regions)) {}

  // Who signed, or the refusal. `service` is "kms" or "sts".
  Outcome<Caller> Verify(const HttpMessage& request, const std::string& service,
                         openkeyring::WallTime now) const;

 private:
  const KeyStore& store_;
  const std::set<std::string> regions_;
};

// The parts of an Authorization header, for tests.
struct AuthorizationHeader {
  std::string access_key_id;
  std::string date;  // "yyyymmdd"
  std::string region;
  std::string service;
  std::string signed_headers;  // As sent.
  std::string signature;
};
Outcome<AuthorizationHeader> ParseAuthorization(std::string_view text);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_AUTH_H_
