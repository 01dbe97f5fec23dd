// SPDX-License-Identifier: MIT
#include "product/aws_key_management/aws_host.h"

#include <utility>

#include "product/kms_stack.h"
#ifdef OPENKEYRING_MOCK_KMS
#include "product/aws_key_management/mock_key_wrapper.h"
#endif

namespace openkeyring {
namespace {

class RealAwsHost : public AwsHost {
 public:
  RealAwsHost(const AwsFixedOptions& fixed, const AwsLiveOptions& live,
              std::unique_ptr<KmsStack> kms,
              std::unique_ptr<KeyWrapper> mock_wrapper,
              EncryptionPlugin& plugin)
      : kms_(std::move(kms)),
        mock_wrapper_(std::move(mock_wrapper)),
        backend_(
            kms_ != nullptr ? kms_->wrapper() : *mock_wrapper_,
            PosixFileSystem(), SystemRandom(), plugin.log,
            {fixed.keyfile_dir, [&live] { return live.bind_policy.load(); }}),
        keys_(backend_, SystemClock(), SystemRandom(), plugin.log,
              {[&plugin] { return plugin.key_bytes.load(); },
               [&plugin] { return plugin.operation_deadline(); },
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
  AwsOptions aws;
  aws.region = fixed.region;
  aws.endpoint_url = fixed.endpoint_url;
  KmsStackOptions options;
  if (fixed.request_timeout.count() > 0) {
    options.connect_timeout = options.request_timeout = fixed.request_timeout;
  }
  options.parallel_calls = fixed.load_parallelism;
  options.master_key_id = [&live] { return live.master_key_id(); };
  options.master_key_option = "aws_key_management_master_key_id";
  return KmsStack::Make(aws, std::move(options), log);
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
                                                EncryptionPlugin& plugin) {
  std::unique_ptr<KmsStack> kms;
  std::unique_ptr<KeyWrapper> mock_wrapper;
#ifdef OPENKEYRING_MOCK_KMS
  if (fixed.mock) mock_wrapper = MakeMockKeyWrapper(SystemRandom());
#endif
  if (mock_wrapper == nullptr) {
    auto stack = MakeStack(fixed, live, plugin.log);
    if (!stack) return stack.error();
    kms = std::move(*stack);
  }
  auto host = std::make_unique<RealAwsHost>(fixed, live, std::move(kms),
                                            std::move(mock_wrapper), plugin);
  Status status = host->Load(fixed);
  if (!status.ok()) return status;
  return host;
}

}  // namespace openkeyring
