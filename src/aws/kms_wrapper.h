// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_KMS_WRAPPER_H_
#define OPENKEYRING_AWS_KMS_WRAPPER_H_

#include <functional>
#include <string>

#include "aws/kms_client.h"
#include "backend/key_wrapper.h"

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

  Result<WrappedKey> Generate(size_t bytes, const Binding& binding,
                              const Deadline& deadline) override;
  Result<WrappedKey> Wrap(const Secret& key, const Binding& binding,
                          const Deadline& deadline) override;
  Result<Secret> Unwrap(const WrappedKey& wrapped, const Binding& binding,
                        const Deadline& deadline) override;
  Result<WrappedKey> Rewrap(const WrappedKey& wrapped, const Binding& binding,
                            const Deadline& deadline) override;

 private:
  Result<std::string> MasterKeyId() const;
  std::string KeyIdFor(const WrappedKey& wrapped, const Deadline& deadline);

  KmsClient& client_;
  const std::function<std::string()> master_key_id_;
  const std::string option_name_;
};

// The ARN of a multi-region key's replica in `region`; any other ARN or id
// comes back unchanged.
std::string KeyArnInRegion(const std::string& key_arn,
                           const std::string& region);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_KMS_WRAPPER_H_
