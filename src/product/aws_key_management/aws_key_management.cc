// SPDX-License-Identifier: MIT
#include "product/aws_key_management/aws_key_management.h"

#include <algorithm>
#include <utility>

#include "product/load_retry.h"

#ifdef OPENKEYRING_MOCK_KMS
#include "product/aws_key_management/mock_key_wrapper.h"
#endif

namespace openkeyring {
namespace {

// The key of a list that new keys are made under. One key is taken as it is.
std::string FirstKmsKey(const std::string& list) {
  if (list.find(',') == std::string::npos && !list.starts_with('[')) {
    return list;
  }
  const Result<std::vector<KmsKeyOptions>> keys = ParseKmsKeyList(list);
  return keys && !keys->empty() ? keys->front().key : "";
}

AwsOptions AwsOptionsOf(const AwsStartupOptions& startup) {
  AwsOptions aws;
  aws.region = startup.region;
  aws.endpoint_url = startup.endpoint_url;
  aws.allow_unencrypted_endpoint = startup.allow_unencrypted_endpoint;
  return aws;
}

KmsServiceOptions ServiceOptions(const AwsStartupOptions& startup,
                                 const AwsDynamicOptions& dynamic) {
  KmsServiceOptions options;
  if (startup.request_timeout.count() > 0) {
    options.connect_timeout = options.request_timeout = startup.request_timeout;
  }
  options.parallel_calls = startup.load_parallelism;
  options.master_key_id = [&dynamic] {
    return FirstKmsKey(dynamic.master_key_id());
  };
  options.master_key_option = "aws_key_management_master_key_id";
  return options;
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
  const Result<std::vector<KmsKeyOptions>> keys =
      ParseKmsKeyList(dynamic_.master_key_id());
  if (!keys) {
    return keys.error().WithContext("aws_key_management_master_key_id");
  }
  if (ShareEndpoint(*keys, startup_.endpoint_url)) {
    return {StatusCode::kMisconfigured,
            "aws_key_management_endpoint_url is for one KMS key: with several, "
            "write aws_key_management_master_key_id as a JSON list with an "
            "endpoint_url in each entry"};
  }
  const bool is_plain =
      keys->empty() || (keys->size() == 1 && !keys->front().HasSettings());
  const AwsOptions common = AwsOptionsOf(startup_);
  KmsServiceOptions options = ServiceOptions(startup_, dynamic_);
  Result<std::unique_ptr<KmsService>> made = KmsService::Make(
      is_plain ? common.Clone() : AwsOptionsOfKey(keys->front(), common),
      options, log_);
  if (!made) return made.error();
  kms_ = std::move(*made);
  // One count for all clients.
  options.statistics = kms_->client().statistics_keeper();
  Result<std::unique_ptr<KmsServices>> all =
      KmsServices::Make(is_plain ? std::vector<KmsKeyOptions>() : *keys, common,
                        options, nullptr, log_);
  if (!all) return all.error();
  slot_kms_ = std::move(*all);
  return ReadSlotOptions();
}

Status AwsKeyManagement::ReadSlotOptions() {
  std::vector<std::string> problems;
  recovery_keys_ = ReadRecoveryKeys(
      PosixFileSystem(), SplitPaths(startup_.recovery_public_key), problems);
  std::string text;
  for (const std::string& problem : problems) {
    text += (text.empty() ? "" : "; ") + problem;
  }
  if (!problems.empty()) {
    return {StatusCode::kMisconfigured,
            "aws_key_management_recovery_public_key: " + text};
  }
  const LocalUnlockFile local = LocalUnlock();
  if (local.path.empty()) return Status::Ok();
  const Status status = CheckLocalUnlockFile(PosixFileSystem(), local.path,
                                             local.forbidden_directories);
  // One that is missing does not stop a server whose KMS answers.
  if (status.code() == StatusCode::kNotFound) return Status::Ok();
  return status.WithContext("aws_key_management_local_unlock_file");
}

LocalUnlockFile AwsKeyManagement::LocalUnlock() const {
  std::vector<std::string> forbidden = {startup_.access.data_directory};
  if (!startup_.keyfile_dir.empty()) forbidden.push_back(startup_.keyfile_dir);
  return {startup_.local_unlock_file, std::move(forbidden)};
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
      dynamic_.ForKeys(startup_.load_parallelism, may_create_));
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
  const bool is_server = startup_.access.is_server;
  if (*plan == StorePlan::kFiles && is_server) status = CheckOneKey();
  if (!status.ok()) return status;
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

KeySetDependencies AwsKeyManagement::Dependencies() const {
  return {PosixFileSystem(), SystemRandom(), SystemClock(), log_};
}

// The first is asked for new keys first.
std::vector<KeyWrapper*> AwsKeyManagement::KmsKeys() {
  std::vector<KeyWrapper*> keys = {&wrapper()};
  for (size_t i = 1; slot_kms_ != nullptr && i < slot_kms_->size(); ++i) {
    keys.push_back(&slot_kms_->service(i).wrapper());
  }
  return keys;
}

KeySetOptions AwsKeyManagement::SetOptions() {
  KeySetOptions options;
  options.keys = Directory();
  options.data_directory = DataDirectory();
  options.source = startup_.key_source;
  options.makers = KmsKeys();
  options.parallelism = startup_.load_parallelism;
  options.slots = [this] { return MakeSlots(); };
  options.progress = startup_.progress;
  return options;
}

std::unique_ptr<KeySetBackend> AwsKeyManagement::MakeKeySet() {
  return std::make_unique<KeySetBackend>(Dependencies(), SetOptions());
}

Status AwsKeyManagement::OpenKeySet() {
  key_set_ = MakeKeySet();
  Status status = key_set_->Prepare();
  if (!status.ok()) return status;
  UseKeysOf(*key_set_);
  if (startup_.local_unlock_file.empty()) {
    return keys_->LoadAll(startup_.startup_deadline);
  }
  OpenByAnySlot();
  return keys_->LoadAll(Millis(0));
}

void AwsKeyManagement::OpenByAnySlot() {
  const Deadline deadline =
      Deadline::After(SystemClock(), startup_.startup_deadline);
  // A startup deadline of 0 is one attempt, which has its time as well.
  const Deadline of_attempts = Deadline::After(
      SystemClock(),
      std::max(startup_.startup_deadline, dynamic_.operation_deadline()));
  const LoadRetryPolicy policy{true, deadline,
                               "aws_key_management_startup_deadline", true};
  const Status status =
      LoadWithRetry(SystemClock(), SystemRandom(), log_, policy,
                    [&] { return key_set_->OpenExisting(of_attempts); });
  if (status.ok()) return;
  log_.Write(LogLevel::kWarning,
             "no key server opened the key set until "
             "aws_key_management_startup_deadline; "
             "aws_key_management_local_unlock_file is tried: " +
                 status.message());
  key_set_->AllowLastResort();
}

Status AwsKeyManagement::CheckOneKey() const {
  const bool has_slots = slot_kms_ != nullptr && slot_kms_->size() > 1;
  if (!has_slots && startup_.recovery_public_key.empty() &&
      startup_.local_unlock_file.empty()) {
    return Status::Ok();
  }
  return {StatusCode::kMisconfigured,
          "keys are in files here, and these have one KMS key: set one "
          "aws_key_management_master_key_id, without recovery_public_key and "
          "local_unlock_file, or aws_key_management_key_store=SEALED"};
}

Status AwsKeyManagement::ImportFiles() {
  size_t versions = 0;
  Status status = ImportInto(*MakeKeySet(), versions);
  if (!status.ok()) {
    KeyDirectory directory(PosixFileSystem(), SystemRandom(), log_,
                           Directory());
    const Status files = MayGoOnWithFiles(status, directory.Look(), directory);
    if (!files.ok()) return files;
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
  const bool is_named = !dynamic_.master_key_id().empty();
  SlotKeys keys;
  if (slot_kms_ != nullptr) {
    keys = MakeSlotKeys(*slot_kms_, recovery_keys_, LocalUnlock(),
                        PosixFileSystem(), SystemRandom());
  }
  if (slot_kms_ == nullptr || slot_kms_->size() == 0) {
    keys.insert(keys.begin(),
                is_named ? std::make_unique<KmsSlotKey>(wrapper())
                         : std::make_unique<UnnamedKmsSlotKey>(wrapper()));
  }
  if (keys.size() == 1) {
    return std::make_unique<KeySlots>(std::move(keys.front()));
  }
  return std::make_unique<KeySlots>(std::move(keys), SystemClock());
}

Status AwsKeyManagement::CheckKeys() const {
  if (!startup_.access.is_server || keys_->counts().ids != 0) {
    return CheckBackup(startup_.access, *keys_, PosixFileSystem());
  }
  return may_create_.CheckStart();
}

std::string AwsKeyManagement::store_name() const {
  return key_set_ != nullptr ? "SEALED" : "FILES";
}

CallStatistics AwsKeyManagement::statistics() const {
  return kms_ != nullptr ? kms_->client().statistics() : CallStatistics();
}

std::string AwsKeyManagement::credential_source() const {
  return kms_ != nullptr ? kms_->credentials().SourceName() : "mock";
}

MetricValues AwsKeyManagement::Metrics() const {
  MetricValues values;
  const WallTime now = SystemClock().Now();
  AddKeyCounts(keys_->counts(), values);
  if (kms_ != nullptr) kms_->AddMetrics(now, values);
  // Their calls are in the counts of kms_.
  for (size_t i = 0; slot_kms_ != nullptr && i < slot_kms_->size(); ++i) {
    AddExpiration(slot_kms_->service(i).credentials().Expiration(), now,
                  values.credentials_expire);
  }
  const auto store = key_set_ != nullptr ? key_set_->store() : nullptr;
  if (store != nullptr) AddSlots(SummaryOf(store->slots()), values);
  return values;
}

// ---- Tools ------------------------------------------------------------------

Result<std::unique_ptr<AwsKeyManagement>> AwsKeyManagement::OpenForTool(
    const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
    const KeySetUse& use, Log& log) {
  std::unique_ptr<AwsKeyManagement> opened(
      new AwsKeyManagement(startup, dynamic, log));
  Status status = opened->Connect();
  if (!status.ok()) return status;
  const Deadline deadline =
      Deadline::After(SystemClock(), startup.startup_deadline);
  auto set = OpenedKeySet::Open(opened->Dependencies(), opened->SetOptions(),
                                use, deadline);
  if (!set) return set.error();
  opened->opened_set_ = std::move(*set);
  if (!use.must_rewrap) return opened;
  std::vector<KeyWrapper*> named;  // As the slots call them.
  KmsServices* const several = opened->slot_kms_.get();
  for (size_t i = 0; several != nullptr && i < several->size(); ++i) {
    named.push_back(&several->wrapper(i));
  }
  if (named.empty()) named = opened->KmsKeys();
  // With time of its own: the set is changed already.
  status = CheckSlotAliases(
      named, opened->opened_set_->header(), "aws_key_management_master_key_id",
      Deadline::After(SystemClock(), startup.startup_deadline), log);
  if (!status.ok()) return status;
  return opened;
}

Result<Bytes> AwsKeyManagement::BuildKeySetFile(
    const AwsStartupOptions& startup, const AwsDynamicOptions& dynamic,
    const std::string& installation, const std::vector<Key>& records,
    Log& log) {
  AwsKeyManagement made(startup, dynamic, log);
  Status status = made.Connect();
  if (!status.ok()) return status;
  return BuildKeySet(made.Dependencies(), made.SetOptions(), installation,
                     records,
                     Deadline::After(SystemClock(), startup.startup_deadline));
}

Status AwsKeyManagement::CheckOptions(const AwsStartupOptions& startup,
                                      const AwsDynamicOptions& dynamic,
                                      Log& log) {
  return AwsKeyManagement(startup, dynamic, log).Connect();
}

Status AwsKeyManagement::CheckKeyFiles(const AwsStartupOptions& startup,
                                       const AwsDynamicOptions& dynamic,
                                       Log& log) {
  AwsKeyManagement made(startup, dynamic, log);
  Status status = made.Connect();
  if (!status.ok()) return status;
  KeyDirectory directory(PosixFileSystem(), SystemRandom(), log,
                         made.Directory());
  const Result<KeyDirectory::Content> there = directory.Look();
  if (!there) return there.error();
  const Result<StorePlan> plan =
      ChooseStore(startup.key_store, true, *there, directory);
  if (!plan) return plan.error();
  return *plan == StorePlan::kFiles ? made.CheckOneKey() : Status::Ok();
}

}  // namespace openkeyring
