// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/kms_keyring.h"

#include <utility>

#include "keyring/reload_check.h"
#include "product/load_retry.h"
#include "storage/percona/json_file_backend.h"
#include "storage/sealed/sealed_file_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = size_t{1} << 30;

// By the bytes that are there; a `.backup` is part of the JSON form.
Result<KeyringFileFormat> FormatOf(FileSystem& files, const std::string& path,
                                   KeyringFileFormat for_new) {
  const Result<Bytes> content = files.Read(path, kMaxFile);
  if (content && LooksSealed(*content)) {
    return KeyringFileFormat::kSealed;
  }
  if (content && !content->empty()) return KeyringFileFormat::kPercona;
  if (!content && content.error().code() != StatusCode::kNotFound) {
    return content.error();
  }
  Result<FileInfo> backup = files.Stat(path + ".backup");
  if (backup) return KeyringFileFormat::kPercona;
  if (backup.error().code() != StatusCode::kNotFound) return backup.error();
  return for_new;
}

KmsServiceOptions StackOptions(const KmsComponentConfig& config) {
  KmsServiceOptions options;
  options.connect_timeout = config.connect_timeout;
  options.request_timeout = config.request_timeout;
  options.parallel_calls = config.load_parallelism;
  options.master_key_id = [key = config.kms_key] { return key; };
  options.master_key_option = "kms_key";
  return options;
}

std::string TimeText(const std::optional<WallTime>& time) {
  return time ? UtcText(*time) : kNoValue;
}

// A server that root starts makes its files before it becomes another user.
std::optional<FileOwner> OwnerOfDataDirectory(const std::string& directory) {
  const Result<FileInfo> info =
      PosixFileSystem().Stat(directory.empty() ? "." : directory);
  if (!info) return std::nullopt;
  return info->owner;
}

}  // namespace

Result<std::unique_ptr<KmsKeyring>> KmsKeyring::Open(
    KmsComponentConfig config, KmsKeyring* previous,
    std::optional<FileOwner> owner, LoadRetry retry, Log& log) {
  std::unique_ptr<KmsKeyring> opened(new KmsKeyring(std::move(config)));
  const KmsComponentConfig& options = opened->config_;
  const bool same_file =
      previous != nullptr && previous->config_.path == options.path;
  opened->file_ =
      same_file ? previous->file_
                : std::make_shared<KeyringFile>(
                      PosixFileSystem(), SystemRandom(), options.path, owner);
  KmsServiceOptions stack_options = StackOptions(options);
  // What a failed reload saw of KMS is told by the keyring that goes on
  // serving.
  if (previous != nullptr) {
    stack_options.statistics = previous->kms_->client().statistics_keeper();
  }
  Result<std::unique_ptr<KmsService>> kms =
      KmsService::Make(options.aws, std::move(stack_options), log);
  if (!kms) return kms.error();
  opened->kms_ = std::move(*kms);
  // While keys are in use, a missing file is never a new keyring, wherever the
  // configuration looks for it.
  const bool may_create =
      previous == nullptr || previous->keyring_->size() == 0;
  // The server's readers wait for a reload: it gets no more time than a store.
  const bool first = previous == nullptr && retry == LoadRetry::kUntilDeadline;
  const Deadline deadline =
      Deadline::After(SystemClock(), first ? options.startup_deadline
                                           : options.operation_deadline);
  Status status = LoadWithRetry(SystemClock(), log, {first, deadline}, [&] {
    return opened->LoadKeys(may_create, deadline, log);
  });
  if (status.ok() && previous != nullptr) {
    status = CheckServedKeysKept(previous->keyring(), opened->keyring());
  }
  if (!status.ok()) return status;
  return opened;
}

StatusRows KmsKeyring::Rows() const {
  const KmsStatistics statistics = kms_->client().statistics();
  StatusRows rows = {{"Data_file", config_.path},
                     {"Read_only", config_.read_only ? "Yes" : "No"},
                     {"KeyId", config_.kms_key},
                     {"Keys", std::to_string(keyring_->size())}};
  for (auto& row : keyring_->backend().Describe()) {
    rows.push_back({row.first, OrNone(row.second)});
  }
  const bool reachable =
      statistics.last_success_time &&
      statistics.last_success_time >= statistics.last_error_time;
  rows.insert(rows.end(),
              {{"Backend_reachable", reachable ? "Yes" : "No"},
               {"Last_success", TimeText(statistics.last_success_time)},
               {"Last_error", OrNone(statistics.last_error)},
               {"Last_error_time", TimeText(statistics.last_error_time)},
               {"Credential_source", OrNone(kms_->credentials().SourceName())},
               {"Endpoint", OrNone(statistics.endpoint)}});
  return rows;
}

Status KmsKeyring::LoadKeys(bool may_create, const Deadline& deadline,
                            Log& log) {
  Result<std::unique_ptr<KeyringBackend>> backend =
      MakeBackend(may_create, log);
  if (!backend) return backend.error();
  Result<std::unique_ptr<Keyring>> keyring =
      Keyring::Load(std::move(*backend), SystemClock(), SystemRandom(),
                    {config_.read_only, config_.operation_deadline}, deadline);
  if (!keyring) return keyring.error();
  keyring_ = std::move(*keyring);
  return Status::Ok();
}

Result<std::unique_ptr<KeyringBackend>> KmsKeyring::MakeBackend(bool may_create,
                                                                Log& log) {
  const FileBackendDependencies world = {kms_->wrapper(), PosixFileSystem(),
                                         SystemRandom(), log};
  FileBackendOptions options;
  options.read_only = config_.read_only;
  options.may_create = may_create;
  options.binding = config_.encryption_context;
  options.parallelism = config_.load_parallelism;
  Result<KeyringFileFormat> format =
      FormatOf(PosixFileSystem(), config_.path, config_.new_file_format);
  if (!format) return format.error();
  std::unique_ptr<KeyringBackend> backend;
  if (*format == KeyringFileFormat::kSealed) {
    backend = std::make_unique<SealedFileBackend>(world, file_, options);
  } else {
    backend =
        std::make_unique<JsonFileBackend>(world, SystemClock(), file_, options);
  }
  return backend;
}

Result<std::shared_ptr<LoadedKeyring>> KmsKeyringLoader::Load(
    const ServerDirectories& directories, LoadRetry retry, Log& log) {
  Result<KmsComponentConfig> config =
      ReadKmsComponentConfig(PosixFileSystem(), log, directories);
  if (!config) return config.error();
  Result<std::unique_ptr<KmsKeyring>> opened =
      KmsKeyring::Open(std::move(*config), serving_.get(),
                       OwnerOfDataDirectory(directories.instance), retry, log);
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
