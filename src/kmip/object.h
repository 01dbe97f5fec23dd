// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OBJECT_H_
#define OPENKEYRING_KMIP_OBJECT_H_

#include <optional>

#include "base/result.h"
#include "base/secret.h"
#include "kmip/enums.h"
#include "kmip/ttlv_writer.h"

namespace openkeyring {

// A managed object with its value: a symmetric key, secret data or an opaque
// object (KMIP 1.4 sections 2.2.2, 2.2.7, 2.2.8). Move-only, as the value is.
struct KmipObject {
  KmipObjectType type = KmipObjectType::kSymmetricKey;
  Secret value;
  // Of keys and secret data. Servers may give back another format than was
  // registered (Fortanix: Raw for Opaque); both hold the same bytes.
  KmipKeyFormat format = KmipKeyFormat::kRaw;
  std::optional<KmipAlgorithm> algorithm;
  std::optional<int32_t> length;  // Bits.
  KmipSecretDataType secret_type = KmipSecretDataType::kPassword;
  // The specification names no value; extensions are 8XXXXXXX.
  uint32_t opaque_type = 0x80000000;
};

// SymmetricKey{}, SecretData{} or OpaqueObject{}. No compression type: Vault
// refuses it.
void WriteKmipObject(TtlvWriter& writer, const KmipObject& object);

// Finds the object of that type in a payload. kCorrupt when it is not there or
// incomplete; kInvalidArgument for a type or format that we do not read;
// kMisconfigured when the server gives its value wrapped only.
Result<KmipObject> ReadKmipObject(TtlvReader payload, KmipObjectType type);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OBJECT_H_
