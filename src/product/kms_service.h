// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KMS_SERVICE_H_
#define OPENKEYRING_PRODUCT_KMS_SERVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "aws/credentials/credential_chain.h"
#include "aws/kms_client.h"
#include "aws/region_resolver.h"
#include "aws/settings.h"
#include "product/metrics.h"

namespace openkeyring {

struct KmsServiceOptions {
  Millis connect_timeout{2000};
  Millis request_timeout{3000};  // One exchange.
  size_t parallel_calls = 16;    // Of the keys' own.
  // Asked at each use; see KmsClientOptions.
  std::function<std::string()> master_key_id;
  std::string master_key_option;  // Which an error tells to set.
  // An earlier service's, to continue its counts; null begins new ones.
  std::shared_ptr<CallStatisticsKeeper> statistics;
};

// AWS KMS composed from options: HTTPS, clock, credentials, region, client.
// Threads: all methods may be called concurrently.
class KmsService {
 public:
  // Reads the environment and the shared AWS files; no network. Errors: those
  // of ResolveAwsSettings. `log` is borrowed.
  static Result<std::unique_ptr<KmsService>> Make(const AwsOptions& aws,
                                                  KmsServiceOptions options,
                                                  Log& log);

  KeyWrapper& wrapper() { return client_; }
  KmsClient& client() { return client_; }
  const KmsClient& client() const { return client_; }
  const CredentialChain& credentials() const { return *credentials_; }
  void AddMetrics(WallTime now, MetricValues& values) const;

 private:
  KmsService(const AwsOptions& aws, const AwsSettings& settings,
             KmsServiceOptions options, Log& log);

  std::unique_ptr<HttpClient> http_;
  AwsClock clock_;
  RetryQuota retry_quota_;  // KMS's and STS's.
  AwsDependencies dependencies_;
  RegionResolver region_;
  std::unique_ptr<CredentialChain> credentials_;
  KmsClient client_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KMS_SERVICE_H_
