// SPDX-License-Identifier: MIT
#include "server/mariadb/aws_host.h"

#include <algorithm>
#include <utility>

#include "aws/kms_wrapper.h"
#include "net/http_curl.h"
#ifdef OPENKEYRING_MOCK_KMS
#include "server/mariadb/mock_key_wrapper.h"
#endif

namespace openkeyring {
namespace {

constexpr Millis kConnectTimeout{2000}, kRequestTimeout{3000};

// A wrapper with all that it stands on.
class KmsStack {
 public:
  KmsStack(const AwsFixedOptions& fixed, const AwsLiveOptions& live,
           const AwsOptions& options, const AwsSettings& settings, Log& log)
      : http_(MakeCurlHttpClient(Curl(fixed, settings))),
        world_{*http_,
               SystemClock(),
               ProcessEnvironment(),
               PosixFileSystem(),
               SystemProcessRunner(),
               SystemRandom(),
               log},
        region_(world_, settings),
        credentials_(MakeCredentialChain(world_, options, settings, region_)),
        client_(world_, settings, *credentials_, region_,
                fixed.request_timeout.count() > 0 ? fixed.request_timeout
                                                  : kRequestTimeout),
        wrapper_(
            client_, [&live] { return live.master_key_id(); },
            "aws_key_management_master_key_id") {}

  KeyWrapper& wrapper() { return wrapper_; }
  const KmsClient& client() const { return client_; }
  const CredentialChain& credentials() const { return *credentials_; }

 private:
  static CurlOptions Curl(const AwsFixedOptions& fixed,
                          const AwsSettings& settings) {
    CurlOptions options;
    options.ca_bundle = settings.ca_bundle;
    options.connect_timeout = fixed.request_timeout.count() > 0
                                  ? fixed.request_timeout
                                  : kConnectTimeout;
    // The keys' own calls, and room for those that fetch credentials.
    options.max_connections = static_cast<int>(fixed.load_parallelism) + 2;
    return options;
  }

  std::unique_ptr<HttpClient> http_;
  AwsWorld world_;
  RegionResolver region_;
  std::unique_ptr<CredentialChain> credentials_;
  KmsClient client_;
  KmsWrapper wrapper_;
};

class RealAwsHost : public AwsHost {
 public:
  RealAwsHost(const AwsFixedOptions& fixed, const AwsLiveOptions& live,
              std::unique_ptr<KmsStack> kms,
              std::unique_ptr<KeyWrapper> mock_wrapper, Log& log)
      : kms_(std::move(kms)),
        mock_wrapper_(std::move(mock_wrapper)),
        backend_(
            kms_ != nullptr ? kms_->wrapper() : *mock_wrapper_,
            PosixFileSystem(), SystemRandom(), log,
            {fixed.keyfile_dir, [&live] { return live.bind_policy.load(); }}),
        keys_(backend_, SystemClock(), SystemRandom(), log,
              {[&live] { return live.key_bytes.load(); },
               [&live] { return Millis(live.operation_deadline_ms.load()); },
               fixed.load_parallelism}) {}

  Status Load(const AwsFixedOptions& fixed) {
    Status status = backend_.Prepare();
    if (!status.ok()) return status;
    return keys_.LoadAll(fixed.startup_deadline);
  }

  VersionedKeys& keys() override { return keys_; }
  KmsStatistics statistics() const override {
    return kms_ != nullptr ? kms_->client().statistics() : KmsStatistics();
  }
  std::string credential_source() const override {
    return kms_ != nullptr ? kms_->credentials().SourceName() : "mock";
  }

 private:
  std::unique_ptr<KmsStack> kms_;  // Null with the mock.
  std::unique_ptr<KeyWrapper> mock_wrapper_;
  KeyFileBackend backend_;
  VersionedKeys keys_;
};

Result<std::unique_ptr<KmsStack>> MakeStack(const AwsFixedOptions& fixed,
                                            const AwsLiveOptions& live,
                                            Log& log) {
  AwsOptions options;
  options.region = fixed.region;
  options.endpoint_url = fixed.endpoint_url;
  Result<AwsSettings> settings =
      ResolveAwsSettings(options, ProcessEnvironment(), PosixFileSystem());
  if (!settings) return settings.error();
  return std::make_unique<KmsStack>(fixed, live, options, *settings, log);
}

}  // namespace

std::string AwsLiveOptions::master_key_id() const {
  std::lock_guard lock(mutex_);
  return master_key_id_;
}

void AwsLiveOptions::SetMasterKeyId(std::string id) {
  std::lock_guard lock(mutex_);
  master_key_id_ = std::move(id);
}

Result<std::unique_ptr<AwsHost>> AwsHost::Start(const AwsFixedOptions& fixed,
                                                const AwsLiveOptions& live,
                                                Log& log) {
  std::unique_ptr<KmsStack> kms;
  std::unique_ptr<KeyWrapper> mock_wrapper;
#ifdef OPENKEYRING_MOCK_KMS
  if (fixed.mock) mock_wrapper = MakeMockKeyWrapper(SystemRandom());
#endif
  if (mock_wrapper == nullptr) {
    auto stack = MakeStack(fixed, live, log);
    if (!stack) return stack.error();
    kms = std::move(*stack);
  }
  auto host = std::make_unique<RealAwsHost>(fixed, live, std::move(kms),
                                            std::move(mock_wrapper), log);
  Status status = host->Load(fixed);
  if (!status.ok()) return status;
  return host;
}

}  // namespace openkeyring
