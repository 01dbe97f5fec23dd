// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/kms_keyring.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "keyring/reload_check.h"
#include "product/component_keyring_kms/sealed_note.h"
#include "product/component_keyring_kms/stored_form.h"
#include "product/load_retry.h"
#include "product/new_file_owner.h"
#include "product/slot_keys.h"
#include "product/slot_status.h"
#include "storage/percona/json_file_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxHeader = 256 << 10;
// For the last try, which also opens by the local slot.
constexpr Millis kLastTry{2000};

KmsServiceOptions ServiceOptions(const KmsComponentConfig& config) {
  KmsServiceOptions options;
  options.connect_timeout = config.connect_timeout;
  options.request_timeout = config.request_timeout;
  options.parallel_calls = config.load_parallelism;
  options.master_key_option = "kms_key";
  return options;
}

// Whether the file that is there has a slot for a local unlock file.
bool HasLocalSlot(FileSystem& files, const std::string& path) {
  const Result<Bytes> start = files.ReadStart(path, kMaxHeader);
  if (!start) return false;
  const Result<ReadHeader> read = ReadSealedHeader(*start);
  return read && std::ranges::any_of(read->header.slots, [](const auto& slot) {
           return slot.kind == SlotKind::kLocalFile;
         });
}

std::string NamesOf(const std::vector<KmsKeyOptions>& keys) {
  std::string names;
  for (const KmsKeyOptions& key : keys) {
    names += (names.empty() ? "" : ", ") + key.Name();
  }
  return names;
}

std::string TimeText(const std::optional<WallTime>& time) {
  return time ? UtcText(*time) : kNoValue;
}

// A server that root starts creates its files before it becomes another user.
std::optional<FileOwner> OwnerOfDataDirectory(const std::string& directory) {
  const Result<FileInfo> info =
      PosixFileSystem().Stat(directory.empty() ? "." : directory);
  if (!info) return std::nullopt;
  return info->owner;
}

}  // namespace

Result<std::unique_ptr<KmsKeyring>> KmsKeyring::Make(
    KmsComponentConfig config, KmsKeyring* previous,
    const std::string& data_directory, Log& log) {
  std::unique_ptr<KmsKeyring> opened(new KmsKeyring(std::move(config)));
  const KmsComponentConfig& options = opened->config_;
  const bool same_file =
      previous != nullptr && previous->config_.path == options.path;
  opened->file_ = same_file
                      ? previous->file_
                      : std::make_shared<KeyringFile>(
                            PosixFileSystem(), SystemRandom(), options.path,
                            OwnerOfNewFile(PosixFileSystem(), options.path,
                                           data_directory));
  // What a failed reload saw of KMS is told by the keyring that keeps serving.
  Result<std::unique_ptr<KmsServices>> kms = KmsServices::Make(
      options.slots.kms_keys, options.aws, ServiceOptions(options),
      previous == nullptr ? nullptr : previous->kms_.get(), log);
  if (!kms) return kms.error();
  opened->kms_ = std::move(*kms);
  return opened;
}

Result<std::unique_ptr<KmsKeyring>> KmsKeyring::Open(
    KmsComponentConfig config, KmsKeyring* previous,
    const std::string& data_directory, LoadRetry retry, Log& log) {
  auto opened = Make(std::move(config), previous, data_directory, log);
  if (!opened) return opened;
  Status status = (*opened)->Load(previous, data_directory, retry, log);
  if (!status.ok()) return status;
  return opened;
}

Result<std::unique_ptr<KmsKeyring>> KmsKeyring::OpenRewrapped(
    KmsComponentConfig config, const std::string& data_directory, Log& log) {
  auto opened = Make(std::move(config), nullptr, data_directory, log);
  if (!opened) return opened;
  KmsKeyring& keyring = **opened;
  FileBackendOptions options = keyring.BackendOptions();
  options.first_load = options.may_create = false;
  options.must_rewrap = true;
  const auto soon = [&keyring] {
    return Deadline::After(SystemClock(), keyring.config_.startup_deadline);
  };
  Status status = keyring.LoadKeys(options, data_directory, soon(), log);
  // With time of its own: the file is changed already.
  if (status.ok()) status = keyring.CheckAliases(soon(), log);
  if (!status.ok()) return status;
  keyring.NoteFormat(data_directory, log);
  return opened;
}

Result<size_t> KmsKeyring::VerifySealedFile(KmsComponentConfig config,
                                            Log& log) {
  config.read_only = true;
  const auto opened = Make(std::move(config), nullptr, "", log);
  if (!opened) return opened.error();
  const KmsComponentConfig& used = (*opened)->config_;
  FileBackendOptions options = (*opened)->BackendOptions();
  options.call_deadline = used.operation_deadline;
  const Deadline deadline =
      Deadline::After(SystemClock(), used.reload_deadline);
  return (*opened)
      ->MakeSealedBackend(options, log)
      ->store()
      .Verify(options.OfOneCall(SystemClock(), deadline));
}

Result<std::unique_ptr<KmsKeyring>> KmsKeyring::OpenByLocalFile(
    KmsComponentConfig config, const std::string& data_directory, Log& log) {
  config.read_only = true;
  auto opened = Make(std::move(config), nullptr, data_directory, log);
  if (!opened) return opened;
  KmsKeyring& keyring = **opened;
  if (!keyring.MayUseLocalSlot()) {
    return Status(
        StatusCode::kNotFound,
        "there is no local_unlock_file with a slot in " + keyring.config_.path);
  }
  FileBackendOptions options = keyring.BackendOptions();
  options.first_load = options.may_create = false;
  options.last_resort = true;
  Status status = keyring.LoadKeys(
      options, data_directory, Deadline::After(SystemClock(), kLastTry), log);
  if (!status.ok()) return status;
  return opened;
}

Status KmsKeyring::CheckAliases(const Deadline& deadline, Log& log) const {
  if (sealed_ == nullptr) return Status::Ok();
  std::vector<KeyWrapper*> kms_keys;
  for (size_t i = 0; i < kms_->size(); ++i) {
    kms_keys.push_back(&kms_->wrapper(i));
  }
  return CheckSlotAliases(kms_keys, sealed_->store().header(), "kms_key",
                          deadline, log);
}

FileBackendOptions KmsKeyring::BackendOptions() const {
  FileBackendOptions options;
  options.read_only = config_.read_only;
  options.encryption_context = config_.encryption_context;
  options.parallelism = config_.load_parallelism;
  options.progress = config_.progress;
  return options;
}

Status KmsKeyring::Load(KmsKeyring* previous, const std::string& data_directory,
                        LoadRetry retry, Log& log) {
  FileBackendOptions options = BackendOptions();
  options.first_load = previous == nullptr;
  // While keys are in use, a missing file is never a new keyring, wherever the
  // configuration looks for it.
  options.may_create = previous == nullptr || previous->keyring_->size() == 0;
  const bool startup = options.first_load && retry == LoadRetry::kUntilDeadline;
  const Deadline deadline =
      Deadline::After(SystemClock(), startup ? config_.startup_deadline
                                             : config_.reload_deadline);
  if (!startup) options.call_deadline = config_.operation_deadline;
  LoadRetryPolicy policy{
      startup, deadline,
      startup ? "startup_deadline_ms" : "reload_deadline_ms"};
  policy.retry_all = startup && MayUseLocalSlot();
  Status status = LoadWithRetry(
      SystemClock(), SystemRandom(), log, policy,
      [&] { return LoadKeys(options, data_directory, deadline, log); });
  if (!status.ok() && policy.retry_all) {
    SystemClock().SleepFor(deadline.Remaining(SystemClock()));
    status = LoadByLocalSlot(options, data_directory, status, log);
  }
  if (status.ok() && previous != nullptr) {
    status = CheckServedKeysKept(previous->keyring(), keyring());
  }
  if (status.ok()) NoteFormat(data_directory, log);
  return status;
}

Status KmsKeyring::LoadByLocalSlot(FileBackendOptions options,
                                   const std::string& data_directory,
                                   const Status& why_not, Log& log) {
  log.Write(LogLevel::kWarning,
            "no key server opened the keyring until startup_deadline_ms; "
            "local_unlock_file is tried: " +
                why_not.message());
  options.last_resort = true;
  return LoadKeys(options, data_directory,
                  Deadline::After(SystemClock(), kLastTry), log);
}

// Otherwise a start need not wait for the last resort.
bool KmsKeyring::MayUseLocalSlot() const {
  FileSystem& files = PosixFileSystem();
  const std::string& file = config_.slots.local_unlock_file;
  return !file.empty() && HasLocalSlot(files, config_.path) &&
         CheckLocalUnlockFile(files, file, config_.data_directories).ok();
}

// The keys are as they were without the note: a start does not fail for it.
void KmsKeyring::NoteFormat(const std::string& data_directory, Log& log) const {
  if (format_ != KeyringFileFormat::kSealed || config_.read_only) return;
  const Status status =
      NoteSealedFile(PosixFileSystem(), SystemRandom(), data_directory,
                     OwnerOfDataDirectory(data_directory));
  if (status.ok()) return;
  log.Write(LogLevel::kWarning,
            "that the keyring is a sealed file cannot be noted, so that an "
            "empty file in its place would not be refused: " +
                status.message());
}

StatusRows KmsKeyring::Rows() const {
  const KmsServicesState kms = kms_->State();
  StatusRows rows = {{"Data_file", config_.path},
                     {"Read_only", config_.read_only ? "Yes" : "No"},
                     {"KeyId", NamesOf(config_.slots.kms_keys)},
                     {"Keys", std::to_string(keyring_->size())}};
  for (auto& row : keyring_->backend().Describe()) {
    rows.push_back({row.first, OrNone(row.second)});
  }
  if (sealed_ != nullptr) {
    for (auto& row : SlotRows(SummaryOf(sealed_->store().slots()))) {
      rows.push_back({row.first, OrNone(row.second)});
    }
  }
  rows.insert(rows.end(),
              {{"Configuration_warnings", OrNone(ToString(config_.warnings))},
               {"Backend_reachable", kms.reachable ? "Yes" : "No"},
               {"Last_success", TimeText(kms.last_success)},
               {"Last_error", OrNone(kms.last_error)},
               {"Last_error_time", TimeText(kms.last_error_time)},
               {"Credential_source", OrNone(kms.credential_source)},
               {"Endpoint", OrNone(kms.endpoint)}});
  return rows;
}

MetricValues KmsKeyring::Metrics() const {
  MetricValues values;
  kms_->AddMetrics(SystemClock().Now(), values);
  if (sealed_ != nullptr) {
    AddSlots(SummaryOf(sealed_->store().slots()), values);
  }
  values.configuration_warnings = config_.warnings.count();
  return values;
}

Status KmsKeyring::LoadKeys(const FileBackendOptions& options,
                            const std::string& data_directory,
                            const Deadline& deadline, Log& log) {
  Result<std::unique_ptr<KeyringBackend>> backend =
      MakeBackend(options, data_directory, log);
  if (!backend) return backend.error();
  // A sealed file takes one call.
  Result<std::unique_ptr<Keyring>> keyring = Keyring::Load(
      std::move(*backend), SystemClock(), SystemRandom(),
      {config_.read_only, config_.operation_deadline},
      sealed_ != nullptr ? options.OfOneCall(SystemClock(), deadline)
                         : deadline);
  if (!keyring) return keyring.error();
  keyring_ = std::move(*keyring);
  return Status::Ok();
}

Result<std::unique_ptr<KeyringBackend>> KmsKeyring::MakeBackend(
    const FileBackendOptions& options, const std::string& data_directory,
    Log& log) {
  FileSystem& files = PosixFileSystem();
  const Result<KeyringFileFormat> format =
      ChooseForm(files, config_, options.may_create, data_directory);
  if (!format) return format.error();
  format_ = *format;
  sealed_ = nullptr;
  if (format_ == KeyringFileFormat::kSealed) {
    std::unique_ptr<SealedFileBackend> sealed = MakeSealedBackend(options, log);
    sealed_ = sealed.get();
    return std::unique_ptr<KeyringBackend>(std::move(sealed));
  }
  const FileBackendDependencies dependencies = {kms_->wrapper(0), files,
                                                SystemRandom(), log};
  return std::unique_ptr<KeyringBackend>(std::make_unique<JsonFileBackend>(
      dependencies, SystemClock(), file_, options));
}

std::unique_ptr<SealedFileBackend> KmsKeyring::MakeSealedBackend(
    const FileBackendOptions& options, Log& log) {
  FileSystem& files = PosixFileSystem();
  SlotKeys keys =
      MakeSlotKeys(*kms_, config_.recovery_keys,
                   {config_.slots.local_unlock_file, config_.data_directories},
                   files, SystemRandom());
  return std::make_unique<SealedFileBackend>(
      SealedStoreDependencies{files, SystemRandom(), log},
      std::make_unique<KeySlots>(std::move(keys), SystemClock()), file_,
      options);
}

Result<std::shared_ptr<LoadedKeyring>> KmsKeyringLoader::Load(
    const ServerDirectories& directories, LoadRetry retry, Log& log) {
  Result<KmsComponentConfig> config =
      ReadKmsComponentConfig(PosixFileSystem(), log, directories);
  if (!config) return config.error();
  Result<std::unique_ptr<KmsKeyring>> opened = KmsKeyring::Open(
      std::move(*config), serving_.get(), directories.instance, retry, log);
  if (!opened) return opened.error();
  serving_ = std::move(*opened);
  return serving_;
}

StatusRows KmsKeyringLoader::RowsWithoutKeyring() const {
  return {{"Data_file", kNotApplicable},
          {"Read_only", kNotApplicable},
          {"KeyId", kNotApplicable}};
}

}  // namespace openkeyring
