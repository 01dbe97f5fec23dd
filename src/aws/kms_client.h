// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_KMS_CLIENT_H_
#define OPENKEYRING_AWS_KMS_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "aws/aws_client.h"
#include "aws/kms_messages.h"
#include "keyring/key_wrapper.h"

namespace openkeyring {

struct KmsClientOptions {
  Millis attempt_timeout{3000};  // Bounds one exchange.
  // The KMS key that new keys are wrapped under. Asked at every use, from any
  // thread, since it may be a variable that a DBA changes; an empty answer is
  // kMisconfigured for all but Unwrap.
  std::function<std::string()> master_key_id;
  std::string master_key_option;  // What that error tells to set.
  // Another client's, to continue its counts; null begins new ones.
  std::shared_ptr<CallStatisticsKeeper> statistics;
};

// AWS KMS as a KeyWrapper, and the operations on KMS keys themselves.
//
// All operations may safely be sent twice: what a lost answer leaves behind is
// an unused ciphertext, not a changed key. The exception, RotateKeyOnDemand, is
// sent once. Retries and errors: see AwsClient.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmsClient : public KeyWrapper {
 public:
  // The references are borrowed.
  KmsClient(AwsDependencies dependencies, const AwsSettings& settings,
            CredentialProvider& credentials, RegionResolver& region,
            KmsClientOptions options);

  Result<WrappedKey> Generate(size_t bytes, const EncryptionContext& context,
                              const Deadline& deadline) override;
  // One call where the identity may do GenerateDataKey; else two.
  Result<Secret> GenerateSecret(size_t bytes, const EncryptionContext& context,
                                const Deadline& deadline) override;
  Result<WrappedKey> Wrap(const Secret& key, const EncryptionContext& context,
                          const Deadline& deadline) override;
  Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                              const EncryptionContext& context,
                              const Deadline& deadline) override;
  Result<WrappedKey> Rewrap(const WrappedKey& wrapped,
                            const EncryptionContext& context,
                            const Deadline& deadline) override;
  std::string CurrentKeyName() const override;
  // For an alias this takes a DescribeKey.
  Result<bool> IsCurrent(const std::string& wrapping_key,
                         const Deadline& deadline) override;

  Result<KmsKeyDescription> DescribeKey(std::string_view key_id,
                                        const Deadline& deadline);
  // When its key material was made last. These two take a key's id or ARN, and
  // no alias.
  Result<KmsLastRotation> LastRotation(std::string_view key_id,
                                       const Deadline& deadline);
  Result<KmsRotationStatus> RotationStatus(std::string_view key_id,
                                           const Deadline& deadline);
  // `period_days` 90 to 2560, or 0 for the service's default (365).
  Status EnableKeyRotation(std::string_view key_id, int period_days,
                           const Deadline& deadline);
  Status RotateKeyOnDemand(std::string_view key_id, const Deadline& deadline);

  // Whether this identity may do it, as KMS says without doing it (DryRun): Ok,
  // or the refusal. Of `wrapped` with its context for Decrypt.
  Status MayGenerate(const EncryptionContext& context,
                     const Deadline& deadline);
  Status MayWrap(const EncryptionContext& context, const Deadline& deadline);
  Status MayUnwrap(const WrappedKey& wrapped, const EncryptionContext& context,
                   const Deadline& deadline);

  CallStatistics statistics() const { return client_.statistics()->Get(); }
  std::shared_ptr<CallStatisticsKeeper> statistics_keeper() const {
    return client_.statistics();
  }

 private:
  using Read = std::function<Status(Secret& body)>;

  // `key_id` is the key whose region the call goes to.
  Status Call(const char* operation, std::string_view key_id,
              const Result<Secret>& body, Read read, const Deadline& deadline,
              bool resend = true);
  template <typename T>
  Result<T> CallAndRead(const char* operation, std::string_view key_id,
                        const Result<Secret>& body, Result<T> (*read)(Secret&),
                        const Deadline& deadline);
  Status DryRun(const char* operation, const std::string& key_id,
                Result<Secret> body, const Deadline& deadline);
  Result<std::string> MasterKeyId() const;
  // The id by which the key of `wrapping_key` is called in the region of the
  // key `near`.
  Result<std::string> KeyIdNear(const std::string& near,
                                const std::string& wrapping_key,
                                const Deadline& deadline);

  AwsClient client_;
  CredentialProvider& credentials_;
  RegionResolver& region_;
  const std::function<std::string()> master_key_id_;
  const std::string master_key_option_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_KMS_CLIENT_H_
