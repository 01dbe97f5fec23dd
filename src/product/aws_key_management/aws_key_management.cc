// SPDX-License-Identifier: MIT
#include "product/aws_key_management/aws_key_management.h"

#include <utility>

#ifdef OPENKEYRING_MOCK_KMS
#include "product/aws_key_management/mock_key_wrapper.h"
#endif

namespace openkeyring {
namespace {

Result<std::unique_ptr<KmsService>> MakeKmsService(
    const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
    Log& log) {
  AwsOptions aws;
  aws.region = startup.region;
  aws.endpoint_url = startup.endpoint_url;
  aws.allow_unencrypted_endpoint = startup.allow_unencrypted_endpoint;
  KmsServiceOptions options;
  if (startup.request_timeout.count() > 0) {
    options.connect_timeout = options.request_timeout = startup.request_timeout;
  }
  options.parallel_calls = startup.load_parallelism;
  options.master_key_id = [&dynamic] { return dynamic.master_key_id(); };
  options.master_key_option = "aws_key_management_master_key_id";
  return KmsService::Make(aws, std::move(options), log);
}

// Spelled like keyfile_dir when that is the data directory.
std::string DataDirectoryOf(const AwsStartupOptions& startup) {
  return startup.keyfile_dir.empty() ? "" : startup.access.data_directory;
}

}  // namespace

std::string AwsDynamicOptions::master_key_id() const {
  const std::lock_guard lock(mutex_);
  return master_key_id_;
}

void AwsDynamicOptions::SetMasterKeyId(std::string id) {
  const std::lock_guard lock(mutex_);
  master_key_id_ = std::move(id);
}

AwsKeyManagement::AwsKeyManagement(const AwsStartupOptions& startup,
                                   const AwsDynamicOptions& dynamic,
                                   std::unique_ptr<KmsService> kms,
                                   std::unique_ptr<KeyWrapper> mock_wrapper,
                                   Log& log)
    : kms_(std::move(kms)),
      mock_wrapper_(std::move(mock_wrapper)),
      backend_(kms_ != nullptr ? kms_->wrapper() : *mock_wrapper_,
               PosixFileSystem(), SystemRandom(), log,
               {{startup.keyfile_dir, !startup.access.is_server,
                 startup.access.increment},
                [&dynamic] { return dynamic.bind_policy.load(); },
                DataDirectoryOf(startup)}),
      keys_(backend_, SystemClock(), SystemRandom(), log,
            dynamic.ForKeys(startup.load_parallelism,
                            CreationRule(startup.access, PosixFileSystem()))) {}

Result<std::unique_ptr<AwsKeyManagement>> AwsKeyManagement::Open(
    const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
    Log& log) {
  std::unique_ptr<KmsService> kms;
  std::unique_ptr<KeyWrapper> mock_wrapper;
#ifdef OPENKEYRING_MOCK_KMS
  if (startup.mock) mock_wrapper = MakeMockKeyWrapper(SystemRandom());
#endif
  if (mock_wrapper == nullptr) {
    Result<std::unique_ptr<KmsService>> made =
        MakeKmsService(startup, dynamic, log);
    if (!made) return made.error();
    kms = std::move(*made);
  }
  std::unique_ptr<AwsKeyManagement> opened(new AwsKeyManagement(
      startup, dynamic, std::move(kms), std::move(mock_wrapper), log));
  Status status = opened->backend_.Prepare();
  if (!status.ok()) return status;
  status = opened->keys_.LoadAll(startup.startup_deadline);
  if (status.ok() && startup.access.is_server &&
      opened->keys_.counts().ids == 0) {
    status = CreationRule(startup.access, PosixFileSystem())(true);
  }
  if (status.ok()) {
    status = CheckBackup(startup.access, opened->keys_, PosixFileSystem());
  }
  if (!status.ok()) return status;
  return opened;
}

KmsStatistics AwsKeyManagement::statistics() const {
  return kms_ != nullptr ? kms_->client().statistics() : KmsStatistics();
}

std::string AwsKeyManagement::credential_source() const {
  return kms_ != nullptr ? kms_->credentials().SourceName() : "mock";
}

}  // namespace openkeyring
