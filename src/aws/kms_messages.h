// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_KMS_MESSAGES_H_
#define OPENKEYRING_AWS_KMS_MESSAGES_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"

// The bytes that say things to AWS KMS (API version 2014-11-01, JSON 1.1) and
// the reading of its answers. No I/O. Writers check the limits of the API first
// and give kInvalidArgument; readers give kCorrupt for an answer that lacks
// what it must have.
namespace openkeyring {

constexpr size_t kMaxKmsKeyId = 2048;
constexpr size_t kMaxKmsPlaintext = 4096;   // Encrypt.
constexpr size_t kMaxKmsCiphertext = 6144;  // CiphertextBlob.
constexpr size_t kMaxKmsGenerated = 1024;   // GenerateDataKeyWithoutPlaintext.

// A KMS key by id, alias name, key ARN or alias ARN.
Status CheckKmsKeyId(std::string_view key_id);

// GenerateDataKeyWithoutPlaintext. 16 and 32 bytes are
// asked for as KeySpec AES_128 and AES_256, other sizes as NumberOfBytes.
Result<Secret> WriteGenerateDataKey(std::string_view key_id, size_t bytes,
                                    const EncryptionContext& context);
Result<Secret> WriteEncrypt(std::string_view key_id, const Secret& plaintext,
                            const EncryptionContext& context);
// `key_id` may be empty: then KMS takes the key that the blob names.
Result<Secret> WriteDecrypt(std::string_view key_id, ByteView ciphertext,
                            const EncryptionContext& context);
// `source_key_id` may be empty, as for Decrypt. One context for both sides.
Result<Secret> WriteReEncrypt(std::string_view source_key_id,
                              std::string_view destination_key_id,
                              ByteView ciphertext,
                              const EncryptionContext& context);
// DescribeKey, RotateKeyOnDemand, ListKeyRotations and GetKeyRotationStatus.
Result<Secret> WriteKeyIdOnly(std::string_view key_id);
// `period_days` 90 to 2560, or 0 for the service's default (365).
Result<Secret> WriteEnableKeyRotation(std::string_view key_id, int period_days);

struct KmsCiphertext {
  Bytes blob;
  std::string key_arn;  // Of the key that made it.
};
struct KmsPlaintext {
  Secret bytes;
  std::string key_arn;  // Of the key that opened it.
};
struct KmsKeyDescription {
  std::string arn;
  std::string state;  // "Enabled", "Disabled", "PendingDeletion", ...
  std::string spec;   // "SYMMETRIC_DEFAULT", ...
  std::string usage;  // "ENCRYPT_DECRYPT", ...
  bool enabled = false;
  bool multi_region = false;
  std::optional<WallTime> created;
  std::optional<WallTime> deletion;  // While it is pending deletion.
  std::optional<WallTime> valid_to;  // Imported key material expires then.
};

// Answers. A body that carries plaintext is taken apart so that the plaintext
// goes straight into a Secret; the body is changed.
Result<KmsCiphertext> ReadCiphertext(Secret& body);
Result<KmsPlaintext> ReadPlaintext(Secret& body);
Result<KmsKeyDescription> ReadKeyDescription(Secret& body);
// ListKeyRotations.
struct KmsLastRotation {
  std::string key_arn;  // "" where the answer does not say it as an ARN.
  std::optional<WallTime> date;  // Nothing for a key that was never rotated.
};
Result<KmsLastRotation> ReadLastRotation(Secret& body);
// GetKeyRotationStatus.
struct KmsRotationStatus {
  std::string key_arn;  // As above.
  bool automatic = false;
  std::optional<WallTime> next;
};
Result<KmsRotationStatus> ReadRotationStatus(Secret& body);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_KMS_MESSAGES_H_
