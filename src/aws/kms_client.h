// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_KMS_CLIENT_H_
#define OPENKEYRING_AWS_KMS_CLIENT_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/aws_error.h"
#include "aws/credentials/credential_chain.h"
#include "aws/dependencies.h"
#include "aws/kms_messages.h"
#include "aws/kms_statistics.h"
#include "aws/region_resolver.h"
#include "aws/retry.h"
#include "aws/settings.h"

namespace openkeyring {

// AWS KMS's operations, signed, retried and judged.
//
// Every operation gives up at its deadline. Within it, transient failures are
// retried in the SDKs' standard mode, a clock that differs from AWS's is
// corrected once, and credentials that AWS refuses are fetched anew once. All
// operations used here may safely be sent twice: what a lost answer leaves
// behind is an unused ciphertext, not a changed key (RotateKeyOnDemand apart,
// which is sent once).
//
// Errors: see AwsErrorStatus and HttpClient; never kNotFound.
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmsClient {
 public:
  // `attempt_timeout` bounds one exchange. All borrowed. `statistics` may be
  // another client's, to go on counting where that one ends; null makes new.
  KmsClient(AwsDependencies world, const AwsSettings& settings,
            CredentialChain& credentials, RegionResolver& region,
            Millis attempt_timeout,
            std::shared_ptr<KmsStatisticsKeeper> statistics = nullptr);

  Result<KmsDataKey> GenerateDataKey(std::string_view key_id, size_t bytes,
                                     const EncryptionContext& context,
                                     const Deadline& deadline);
  Result<KmsCiphertext> GenerateDataKeyWithoutPlaintext(
      std::string_view key_id, size_t bytes, const EncryptionContext& context,
      const Deadline& deadline);
  Result<KmsCiphertext> Encrypt(std::string_view key_id,
                                const Secret& plaintext,
                                const EncryptionContext& context,
                                const Deadline& deadline);
  // `key_id` "" only where nobody can know it.
  Result<KmsPlaintext> Decrypt(std::string_view key_id, ByteView ciphertext,
                               const EncryptionContext& context,
                               const Deadline& deadline);
  Result<KmsCiphertext> ReEncrypt(std::string_view source_key_id,
                                  std::string_view destination_key_id,
                                  ByteView ciphertext,
                                  const EncryptionContext& context,
                                  const Deadline& deadline);
  Result<KmsKeyDescription> DescribeKey(std::string_view key_id,
                                        const Deadline& deadline);
  Result<Secret> GenerateRandom(size_t bytes, const Deadline& deadline);
  Status EnableKeyRotation(std::string_view key_id, int period_days,
                           const Deadline& deadline);
  Status RotateKeyOnDemand(std::string_view key_id, const Deadline& deadline);

  // The region that requests are signed for.
  std::string Region(const Deadline& deadline);
  KmsStatistics statistics() const { return statistics_->Get(); }
  std::shared_ptr<KmsStatisticsKeeper> statistics_keeper() const {
    return statistics_;
  }

 private:
  struct Attempt;  // The running state of one operation.

  // Takes an answer's body apart.
  using Reader = std::function<Status(Secret& body)>;

  template <typename T>
  Result<T> CallAndRead(const char* operation, Result<Secret> body,
                        Result<T> (*read)(Secret&), const Deadline& deadline);
  Status Call(const char* operation, Result<Secret> body, const Reader& read,
              const Deadline& deadline, bool resend = true);
  Status CallUntilJudged(Attempt& attempt, const Reader& read,
                         const Deadline& deadline);
  Result<HttpResponse> SendOnce(Attempt& attempt, const Deadline& deadline);
  bool MayRepeat(Attempt& attempt, const Result<HttpResponse>& answer,
                 const Deadline& deadline);
  bool RepeatsAtOnce(Attempt& attempt, const AwsError& error);
  bool CorrectClock(const AwsError& error);
  bool WaitForRetry(Attempt& attempt, bool after_timeout,
                    std::optional<Millis> wish, const Deadline& deadline);
  std::string EndpointUrl(const std::string& region) const;

  AwsDependencies world_;
  const AwsSettings settings_;
  CredentialChain& credentials_;
  RegionResolver& region_;
  const Millis attempt_timeout_;
  RetryQuota quota_;
  std::atomic<int64_t> clock_offset_ms_{0};
  const std::shared_ptr<KmsStatisticsKeeper> statistics_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_KMS_CLIENT_H_
