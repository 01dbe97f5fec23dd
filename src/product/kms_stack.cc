// SPDX-License-Identifier: MIT
#include "product/kms_stack.h"

#include <utility>

#include "net/http_curl.h"

namespace openkeyring {
namespace {

CurlOptions Curl(const KmsStackOptions& options, const AwsSettings& settings) {
  CurlOptions curl;
  curl.ca_bundle = settings.ca_bundle;
  curl.connect_timeout = options.connect_timeout;
  // Room for calls that fetch credentials.
  curl.max_connections = static_cast<int>(options.parallel_calls) + 2;
  return curl;
}

}  // namespace

Result<std::unique_ptr<KmsStack>> KmsStack::Make(const AwsOptions& aws,
                                                 KmsStackOptions options,
                                                 Log& log) {
  Result<AwsSettings> settings =
      ResolveAwsSettings(aws, ProcessEnvironment(), PosixFileSystem());
  if (!settings) return settings.error();
  return std::unique_ptr<KmsStack>(
      new KmsStack(aws, *settings, std::move(options), log));
}

KmsStack::KmsStack(const AwsOptions& aws, const AwsSettings& settings,
                   KmsStackOptions options, Log& log)
    : http_(MakeCurlHttpClient(Curl(options, settings))),
      world_{*http_,
             SystemClock(),
             ProcessEnvironment(),
             PosixFileSystem(),
             SystemProcessRunner(),
             SystemRandom(),
             log},
      region_(world_, settings),
      credentials_(MakeCredentialChain(world_, aws, settings, region_)),
      client_(world_, settings, *credentials_, region_, options.request_timeout,
              std::move(options.statistics)),
      wrapper_(client_, std::move(options.master_key_id),
               std::move(options.master_key_option)) {}

}  // namespace openkeyring
