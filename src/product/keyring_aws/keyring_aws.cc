// SPDX-License-Identifier: MIT
#include "product/keyring_aws/keyring_aws.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aws/arn.h"
#include "aws/credentials/access_key_file.h"
#include "product/encrypted_data.h"
#include "product/new_file_owner.h"

namespace openkeyring {
namespace {

constexpr std::string_view kRegions[] = {
    "af-south-1",     "ap-east-1",      "ap-east-2",      "ap-northeast-1",
    "ap-northeast-2", "ap-northeast-3", "ap-south-1",     "ap-south-2",
    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1",
    "ca-west-1",      "cn-north-1",     "cn-northwest-1", "eu-central-1",
    "eu-central-2",   "eu-isoe-west-1", "eu-north-1",     "eu-south-1",
    "eu-south-2",     "eu-west-1",      "eu-west-2",      "eu-west-3",
    "eusc-de-east-1", "il-central-1",   "me-central-1",   "me-south-1",
    "mx-central-1",   "sa-east-1",      "us-east-1",      "us-east-2",
    "us-gov-east-1",  "us-gov-west-1",  "us-iso-east-1",  "us-iso-west-1",
    "us-isob-east-1", "us-isob-west-1", "us-isof-east-1", "us-isof-south-1",
    "us-west-1",      "us-west-2"};

// What a key made to try KMS is bound to.
EncryptionContext ProbeContext() {
  return {{"openkeyring:product", "keyring_aws"},
          {"openkeyring:purpose", "check"}};
}
constexpr size_t kProbeBytes = 16;

// Old or partial KMS services have no rotation on demand, and say so.
bool HasNoSuchOperation(const Status& status) {
  const std::string& text = status.message();
  return text.find("UnsupportedOperationException") != std::string::npos ||
         text.find("UnknownOperationException") != std::string::npos;
}

RegionalKmsKey UsedKey(const std::string& cmk_id, const std::string& region) {
  return {cmk_id, RegionToAsk(cmk_id, region)};
}

Status CheckOptions(const KeyringAwsOptions& options) {
  const auto wrong = [](std::string text) {
    return Status(StatusCode::kMisconfigured, std::move(text));
  };
  if (options.cmk_id.empty()) return wrong("keyring_aws_cmk_id has to be set");
  if (options.data_file.empty()) {
    return wrong("keyring_aws_data_file must not be empty");
  }
  if (options.use_chain) return Status::Ok();
  if (options.conf_file.empty()) {
    return wrong("keyring_aws_conf_file must not be empty");
  }
  return ReadAccessKeyFile(PosixFileSystem(), options.conf_file).status();
}

// A file that is missing where data need a key has been lost, or is elsewhere.
Status CheckNewKeyring(const KeyringAwsOptions& options) {
  FileSystem& files = PosixFileSystem();
  const Result<FileInfo> file = files.Stat(options.data_file);
  if (file || file.error().code() != StatusCode::kNotFound ||
      options.allow_new_keyring) {
    return Status::Ok();
  }
  return CheckNewKeyringFitsData(
      files, options.data_directory,
      {"keyring file " + options.data_file, "keyring_aws_allow_new_keyring",
       "keyring_aws"});
}

}  // namespace

std::string RegionToAsk(const std::string& cmk_id, const std::string& region) {
  const std::string of_arn = RegionOfKeyArn(cmk_id);
  return of_arn.empty() ? region : of_arn;
}

bool IsKnownRegion(std::string_view region) {
  return std::ranges::find(kRegions, region) != std::end(kRegions);
}

KeyringAws::KeyringAws(KeyringAwsOptions options, Log& log)
    : options_(std::move(options)), log_(log) {}

Result<std::unique_ptr<KeyringAws>> KeyringAws::Open(
    KeyringAwsOptions options, std::optional<FileOwner> owner, Log& log) {
  Status status = CheckOptions(options);
  if (status.ok()) status = CheckNewKeyring(options);
  if (!status.ok()) return status;
  std::unique_ptr<KeyringAws> opened(new KeyringAws(std::move(options), log));
  const KeyringAwsOptions& said = opened->options_;
  if (!owner) owner = OwnerOfNewFile(PosixFileSystem(), said.data_file, "");
  opened->WarnOfRegion(said.cmk_id, said.region);
  Result<std::shared_ptr<Kms>> kms = opened->MakeKms(said.cmk_id, said.region);
  if (!kms) return kms.error();
  opened->kms_ = *kms;
  Result<std::unique_ptr<EncryptedKeyring>> keyring = EncryptedKeyring::Open(
      std::make_unique<AwsDataFile>(PosixFileSystem(), SystemRandom(), log,
                                    said.data_file, owner),
      SystemClock(), SystemRandom(), {said.cache_keys, said.parallelism});
  if (!keyring) return keyring.error();
  opened->keyring_ = std::move(*keyring);
  status = opened->TryKms(**kms);
  if (!status.ok() && !status.IsTransient()) return status;
  if (!status.ok()) {
    log.Write(LogLevel::kWarning,
              "keys cannot be used until AWS KMS answers: " + status.message());
    return opened;
  }
  status = opened->keyring_->CheckOpens((*kms)->service->wrapper(),
                                        opened->OperationDeadline());
  if (!status.ok()) {
    log.Write(
        LogLevel::kError,
        status.message() + "; check keyring_aws_region and keyring_aws_cmk_id");
  }
  return opened;
}

void KeyringAws::WarnOfRegion(const std::string& cmk_id,
                              const std::string& region) const {
  const std::string asked = RegionToAsk(cmk_id, region);
  if (asked != region) {
    log_.Write(LogLevel::kWarning,
               "keyring_aws_region is '" + region +
                   "', but keyring_aws_cmk_id is the ARN of a key in '" +
                   asked + "': that region is used");
  } else if (!IsKnownRegion(region)) {
    log_.Write(LogLevel::kWarning,
               "keyring_aws_region: '" + region +
                   "' is not a region known to this version; it is used as it "
                   "is");
  }
}

Result<std::shared_ptr<KeyringAws::Kms>> KeyringAws::MakeKms(
    const std::string& cmk_id, const std::string& region,
    std::shared_ptr<CallStatisticsKeeper> statistics) const {
  Status status = CheckKmsKeyId(cmk_id);
  if (!status.ok()) return status;
  AwsOptions aws;
  aws.region = RegionToAsk(cmk_id, region);
  aws.endpoint_url = options_.endpoint_url;
  aws.allow_unencrypted_endpoint = options_.allow_unencrypted_endpoint;
  if (!options_.use_chain) aws.key_file = options_.conf_file;
  KmsServiceOptions service;
  service.connect_timeout = options_.connect_timeout;
  service.request_timeout = options_.request_timeout;
  service.parallel_calls = options_.parallelism;
  service.master_key_id = [cmk_id] { return cmk_id; };
  service.master_key_option = "keyring_aws_cmk_id";
  service.statistics = std::move(statistics);
  Result<std::unique_ptr<KmsService>> made =
      KmsService::Make(aws, std::move(service), log_);
  if (!made) return made.error();
  return std::make_shared<Kms>(Kms{cmk_id, region, std::move(*made)});
}

Status KeyringAws::TryKms(Kms& kms) const {
  const Deadline deadline = OperationDeadline();
  KeyWrapper& wrapper = kms.service->wrapper();
  const Result<WrappedKey> made =
      wrapper.Generate(kProbeBytes, ProbeContext(), deadline);
  if (!made) return made.error();
  return wrapper.Unwrap(*made, ProbeContext(), deadline).status();
}

std::shared_ptr<KeyringAws::Kms> KeyringAws::CurrentKms() const {
  std::lock_guard lock(mutex_);
  return kms_;
}

Deadline KeyringAws::OperationDeadline() const {
  return Deadline::After(SystemClock(), options_.operation_deadline);
}

Status KeyringAws::Try(const std::string& cmk_id, const std::string& region) {
  WarnOfRegion(cmk_id, region);
  const Result<std::shared_ptr<Kms>> next = MakeKms(cmk_id, region);
  if (!next) return next.error();
  Status status = TryKms(**next);
  if (!status.ok()) return status;
  const std::shared_ptr<Kms> now = CurrentKms();
  std::set<std::string> wrapping_keys = keyring_->WrappingKeys();
  status = keyring_->CheckStillOpens(now->service->wrapper(),
                                     (*next)->service->wrapper(),
                                     OperationDeadline());
  if (!status.ok()) return status;
  tried_.Add(UsedKey(cmk_id, region), std::move(wrapping_keys));
  return Status::Ok();
}

Status KeyringAws::CheckTried(const std::string& cmk_id,
                              const std::string& region) const {
  const RegionalKmsKey wanted = UsedKey(cmk_id, region);
  const std::shared_ptr<Kms> now = CurrentKms();
  if (wanted == UsedKey(now->cmk_id, now->region)) return Status::Ok();
  if (tried_.Covers(wanted, keyring_->WrappingKeys())) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "it was not tried whether KMS key '" + cmk_id + "' in region '" +
              wanted.region +
              "' opens the stored keys, since keyring_aws_cmk_id, "
              "keyring_aws_region or the stored keys changed after the check: "
              "set one variable in a statement"};
}

Status KeyringAws::Use(const std::string& cmk_id, const std::string& region) {
  Status status = CheckTried(cmk_id, region);
  if (!status.ok()) return status;
  Result<std::shared_ptr<Kms>> kms = MakeKms(
      cmk_id, region, CurrentKms()->service->client().statistics_keeper());
  if (!kms) return kms.error();
  const std::lock_guard lock(mutex_);
  kms_.swap(*kms);
  return Status::Ok();
}

std::string KeyringAws::cmk_id() const { return CurrentKms()->cmk_id; }
std::string KeyringAws::region() const { return CurrentKms()->region; }

Result<EncryptedKeyring::KeyPointer> KeyringAws::Fetch(const KeyName& name) {
  const std::shared_ptr<Kms> kms = CurrentKms();
  return keyring_->Fetch(kms->service->wrapper(), name, OperationDeadline());
}

Status KeyringAws::Store(const Key& key) {
  const std::shared_ptr<Kms> kms = CurrentKms();
  return keyring_->Store(kms->service->wrapper(), key, OperationDeadline());
}

Status KeyringAws::Generate(const KeyName& name, const std::string& type,
                            size_t bytes) {
  const std::shared_ptr<Kms> kms = CurrentKms();
  return keyring_->Generate(kms->service->wrapper(), name, type, bytes,
                            OperationDeadline());
}

Result<std::string> KeyringAws::RotateCmk() {
  const std::shared_ptr<Kms> kms = CurrentKms();
  KmsClient& client = kms->service->client();
  const Deadline deadline = OperationDeadline();
  // An alias will not do here.
  const Result<KmsKeyDescription> key =
      client.DescribeKey(kms->cmk_id, deadline);
  if (!key) return key.error();
  Status status = client.RotateKeyOnDemand(key->arn, deadline);
  if (status.ok()) return "KMS key " + key->arn + " was rotated";
  if (!HasNoSuchOperation(status)) return status;
  status = client.EnableKeyRotation(key->arn, 0, deadline);
  if (!status.ok()) return status;
  return "KMS key " + key->arn +
         " cannot be rotated on demand: its yearly rotation was enabled";
}

Status KeyringAws::RotateKeys(const Cancellation& cancellation) {
  const std::shared_ptr<Kms> kms = CurrentKms();
  return keyring_->RotateKeys(
      kms->service->wrapper(),
      Deadline::After(SystemClock(), options_.rotate_deadline)
          .CancelledBy(cancellation));
}

MetricValues KeyringAws::Metrics() const {
  MetricValues values;
  values.loaded = 1;  // Keys are fetched on demand.
  values.keys = static_cast<int64_t>(keyring_->size());
  CurrentKms()->service->AddMetrics(SystemClock().Now(), values);
  return values;
}

}  // namespace openkeyring
