// SPDX-License-Identifier: MIT
#include "product/kms_service.h"

#include <utility>

#include "net/http_curl.h"

namespace openkeyring {
namespace {

CurlOptions Curl(const KmsServiceOptions& options, const AwsOptions& aws,
                 const AwsSettings& settings) {
  CurlOptions curl;
  curl.ca_bundle = settings.ca_bundle;
  curl.proxy = aws.proxy;
  curl.connect_timeout = options.connect_timeout;
  // Room for calls that fetch credentials.
  curl.max_connections = static_cast<int>(options.parallel_calls) + 2;
  return curl;
}

}  // namespace

Result<std::unique_ptr<KmsService>> KmsService::Make(const AwsOptions& aws,
                                                     KmsServiceOptions options,
                                                     Log& log) {
  Result<AwsSettings> settings =
      ResolveAwsSettings(aws, ProcessEnvironment(), PosixFileSystem());
  if (!settings) return settings.error();
  for (const std::string& warning : settings->warnings) {
    log.Write(LogLevel::kWarning, warning);
  }
  return std::unique_ptr<KmsService>(
      new KmsService(aws, *settings, std::move(options), log));
}

void KmsService::AddMetrics(WallTime now, MetricValues& values) const {
  const CallStatistics seen = client_.statistics();
  AddCalls(seen, now, values);
  values.throttled =
      values.throttled.value_or(0) + static_cast<int64_t>(seen.throttled);
  AddExpiration(credentials_->Expiration(), now, values.credentials_expire);
}

KmsService::KmsService(const AwsOptions& aws, const AwsSettings& settings,
                       KmsServiceOptions options, Log& log)
    : http_(MakeCurlHttpClient(Curl(options, aws, settings))),
      clock_(SystemClock(), log),
      dependencies_{*http_,
                    clock_,
                    ProcessEnvironment(),
                    PosixFileSystem(),
                    SystemProcessRunner(),
                    SystemRandom(),
                    log,
                    retry_quota_},
      region_(dependencies_, settings, options.master_key_id),
      credentials_(MakeCredentialChain(dependencies_, aws, settings, region_)),
      client_(dependencies_, settings, *credentials_, region_,
              {options.request_timeout, std::move(options.master_key_id),
               std::move(options.master_key_option),
               std::move(options.statistics)}) {}

}  // namespace openkeyring
