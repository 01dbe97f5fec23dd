// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_KMS_WRAPPER_H_
#define OPENKEYRING_AWS_KMS_WRAPPER_H_

#include <functional>
#include <optional>
#include <string>

#include "aws/kms_client.h"
#include "keyring/key_wrapper.h"

namespace openkeyring {

// KeyWrapper by AWS KMS; a binding is an encryption context.
class KmsWrapper : public KeyWrapper {
 public:
  // `master_key_id` is asked at every use, since it may be a variable that a
  // DBA changes; an empty answer is kMisconfigured for all but Unwrap. It is
  // called from any thread. `option_name` is what the error tells to set.
  // `client` is borrowed.
  KmsWrapper(KmsClient& client, std::function<std::string()> master_key_id,
             std::string option_name);

  Result<WrappedKey> Generate(size_t bytes, const EncryptionContext& binding,
                              const Deadline& deadline) override;
  Result<WrappedKey> Wrap(const Secret& key, const EncryptionContext& binding,
                          const Deadline& deadline) override;
  Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                              const EncryptionContext& binding,
                              const Deadline& deadline) override;
  Result<WrappedKey> Rewrap(const WrappedKey& wrapped,
                            const EncryptionContext& binding,
                            const Deadline& deadline) override;
  std::string CurrentKeyName() const override;
  // For an alias this takes a DescribeKey.
  Result<bool> IsCurrent(const std::string& wrapping_key,
                         const Deadline& deadline) override;

 private:
  Result<std::string> MasterKeyId() const;
  std::string KeyIdFor(const WrappedKey& wrapped, const Deadline& deadline);

  KmsClient& client_;
  const std::function<std::string()> master_key_id_;
  const std::string option_name_;
};

// Whether a key id in any of its forms means the key of that key ARN; replicas
// of a multi-region key are the same key. Nothing when only KMS can tell: for
// aliases, and for an ARN that is none.
std::optional<bool> SameKmsKey(const std::string& key_id,
                               const std::string& key_arn);

// The ARN of a multi-region key's replica in `region`; any other ARN or id
// comes back unchanged.
std::string KeyArnInRegion(const std::string& key_arn,
                           const std::string& region);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_KMS_WRAPPER_H_
