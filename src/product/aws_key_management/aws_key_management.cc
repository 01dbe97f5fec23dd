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

// Without a master key id the set is opened by the key that its slot names, and
// stays under it.
class UnnamedKmsSlotKey : public KmsSlotKey {
 public:
  using KmsSlotKey::KmsSlotKey;
  bool IsCurrent(const KeySlot&) const override { return true; }
};

}  // namespace

std::string AwsDynamicOptions::master_key_id() const {
  const std::lock_guard lock(mutex_);
  return master_key_id_;
}

void AwsDynamicOptions::SetMasterKeyId(std::string id) {
  const std::lock_guard lock(mutex_);
  master_key_id_ = std::move(id);
}

Result<std::unique_ptr<AwsKeyManagement>> AwsKeyManagement::Open(
    const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
    Log& log) {
  std::unique_ptr<AwsKeyManagement> opened(
      new AwsKeyManagement(startup, dynamic, log));
  Status status = opened->Connect();
  if (status.ok()) status = opened->OpenStore();
  if (status.ok()) status = opened->CheckKeys();
  if (!status.ok()) return status;
  return opened;
}

Status AwsKeyManagement::Connect() {
#ifdef OPENKEYRING_MOCK_KMS
  if (startup_.mock) {
    mock_wrapper_ = MakeMockKeyWrapper(SystemRandom());
    return Status::Ok();
  }
#endif
  Result<std::unique_ptr<KmsService>> made =
      MakeKmsService(startup_, dynamic_, log_);
  if (made) kms_ = std::move(*made);
  return made.status();
}

KeyWrapper& AwsKeyManagement::wrapper() {
  return kms_ != nullptr ? kms_->wrapper() : *mock_wrapper_;
}

KeyDirectory::Options AwsKeyManagement::Directory() const {
  return {startup_.keyfile_dir, !startup_.access.is_server,
          startup_.access.increment};
}

// Spelled like keyfile_dir when that is the data directory.
std::string AwsKeyManagement::DataDirectory() const {
  return startup_.keyfile_dir.empty() ? "" : startup_.access.data_directory;
}

void AwsKeyManagement::UseKeysOf(VersionedBackend& backend) {
  keys_ = std::make_unique<VersionedKeys>(
      backend, SystemClock(), SystemRandom(), log_,
      dynamic_.ForKeys(startup_.load_parallelism,
                       CreationRule(startup_.access, PosixFileSystem())));
}

// ---- Stores ----------------------------------------------------------------

Status AwsKeyManagement::OpenStore() {
  KeyDirectory directory(PosixFileSystem(), SystemRandom(), log_, Directory());
  Status status = directory.Prepare();
  if (!status.ok()) return status;
  const Result<KeyDirectory::Content> there = directory.Look();
  if (!there) return there.error();
  const Result<StorePlan> plan = ChooseStore(
      startup_.key_store, startup_.access.is_server, *there, directory);
  if (!plan) return plan.error();
  if (*plan == StorePlan::kKeySet) return OpenKeySet();
  status = OpenFiles();
  if (!status.ok() || *plan == StorePlan::kFiles) return status;
  return ImportFiles();
}

Status AwsKeyManagement::OpenFiles() {
  files_ = std::make_unique<KeyFileBackend>(
      wrapper(), PosixFileSystem(), SystemRandom(), log_,
      KeyFileBackend::Options{Directory(),
                              [this] { return dynamic_.bind_policy.load(); },
                              DataDirectory()});
  Status status = files_->Prepare();
  if (!status.ok()) return status;
  UseKeysOf(*files_);
  return keys_->LoadAll(startup_.startup_deadline);
}

std::unique_ptr<KeySetBackend> AwsKeyManagement::MakeKeySet() {
  KeySetOptions options;
  options.keys = Directory();
  options.data_directory = DataDirectory();
  options.source = startup_.key_source;
  options.makers = {&wrapper()};
  options.parallelism = startup_.load_parallelism;
  options.slots = [this] { return MakeSlots(); };
  return std::make_unique<KeySetBackend>(
      KeySetDependencies{PosixFileSystem(), SystemRandom(), SystemClock(),
                         log_},
      std::move(options));
}

Status AwsKeyManagement::OpenKeySet() {
  key_set_ = MakeKeySet();
  Status status = key_set_->Prepare();
  if (!status.ok()) return status;
  UseKeysOf(*key_set_);
  return keys_->LoadAll(startup_.startup_deadline);
}

Status AwsKeyManagement::ImportFiles() {
  size_t versions = 0;
  Status status = ImportInto(*MakeKeySet(), versions);
  if (!status.ok()) {
    log_.Write(LogLevel::kWarning,
               "the key files are not imported into a key set, and stay in "
               "use; the next start tries again: " +
                   status.message());
    return Status::Ok();
  }
  keys_ = nullptr;
  files_ = nullptr;
  log_.Write(LogLevel::kWarning,
             "imported " + std::to_string(versions) +
                 " key versions from key files into a key set, read it again "
                 "and compared them. The key files stay, and are not used any "
                 "more: keep them until a backup has the key set");
  return OpenKeySet();
}

Status AwsKeyManagement::ImportInto(KeySetBackend& key_set, size_t& versions) {
  const Result<std::vector<KeyVersion>> stored = files_->List();
  if (!stored) return stored.error();
  std::map<KeyVersion, const Secret*> secrets;
  for (const KeyVersion key : *stored) {
    const Result<const Secret*> secret = keys_->Get(key);
    if (!secret) return secret.error();
    secrets[key] = *secret;
  }
  versions = secrets.size();
  Status status = key_set.Prepare();
  if (!status.ok()) return status;
  return key_set.Import(
      secrets, Deadline::After(SystemClock(), dynamic_.operation_deadline()));
}

std::unique_ptr<KeySlots> AwsKeyManagement::MakeSlots() {
  if (dynamic_.master_key_id().empty()) {
    return std::make_unique<KeySlots>(
        std::make_unique<UnnamedKmsSlotKey>(wrapper()));
  }
  return std::make_unique<KeySlots>(std::make_unique<KmsSlotKey>(wrapper()));
}

Status AwsKeyManagement::CheckKeys() const {
  if (!startup_.access.is_server || keys_->counts().ids != 0) {
    return CheckBackup(startup_.access, *keys_, PosixFileSystem());
  }
  return CreationRule(startup_.access, PosixFileSystem())(true);
}

std::string AwsKeyManagement::store_name() const {
  return key_set_ != nullptr ? "SEALED" : "FILES";
}

KmsStatistics AwsKeyManagement::statistics() const {
  return kms_ != nullptr ? kms_->client().statistics() : KmsStatistics();
}

std::string AwsKeyManagement::credential_source() const {
  return kms_ != nullptr ? kms_->credentials().SourceName() : "mock";
}

}  // namespace openkeyring
