// SPDX-License-Identifier: MIT
// The keyring file of component_keyring_kms, in either format.
#include "cli/interruption.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "product/component_keyring_kms/built_keyring_file.h"
#include "product/component_keyring_kms/kms_keyring.h"

namespace openkeyring {
namespace {

class KmsComponentStore : public KeyringStore {
 public:
  explicit KmsComponentStore(StoreSettings settings)
      : installation_(std::move(settings.installation)),
        role_(settings.role),
        log_(settings.log),
        file_format_(settings.file_format),
        new_file_mode_(settings.new_file_mode) {}

  std::string Description() const override {
    return "component_keyring_kms" + (path_.empty() ? "" : " in " + path_);
  }

  tl::expected<Keys, Failure> ReadAll() override {
    Result<KmsComponentConfig> config = Config();
    if (!config) return Failed(config.error());
    path_ = config->path;
    const auto missing = IsMissing();
    if (!missing) return tl::unexpected(missing.error());
    if (*missing && role_ == StoreRole::kTarget) {
      const Outcome may = CheckFormat(*config);
      if (!may) return tl::unexpected(may.error());
      return Keys();
    }
    if (*missing) {
      return UsageFailure("there is no keyring file " + path_);
    }
    const Outcome locked = LockFile(files_, path_, lock_);
    if (!locked) return tl::unexpected(locked.error());
    // Only a source stays locked: Add takes the lock itself.
    if (role_ == StoreRole::kTarget) lock_ = nullptr;
    const auto opened = KmsKeyring::Open(
        std::move(*config), nullptr, installation_.data_directory,
        LoadRetry::kOnce, created_ ? quiet_ : log_);
    if (!opened) return Failed(opened.error());
    Keys keys;
    for (const Keyring::KeyPointer& key : (*opened)->keyring().List()) {
      keys.push_back({key->name, key->type, key->data.Clone()});
    }
    return keys;
  }

  const char* ActionOfAdd() override {
    return IsMissing().value_or(false) ? "create" : "add to";
  }

  Outcome Add(const std::vector<const Key*>& keys,
              const Progress& progress) override {
    Result<KmsComponentConfig> config = Config();
    if (!config) return Failed(config.error());
    const auto missing = IsMissing();
    if (!missing) return tl::unexpected(missing.error());
    return *missing ? CreateWith(*config, keys, progress)
                    : AddTo(std::move(*config), keys, progress);
  }

 private:
  // Read-only.
  Result<KmsComponentConfig> Config() {
    return KmsComponentOptions(installation_, files_, log_);
  }

  tl::expected<bool, Failure> IsMissing() {
    for (const std::string& name : {path_, path_ + ".backup"}) {
      const Result<FileInfo> info = files_.Stat(name);
      if (info) return false;
      if (info.error().code() != StatusCode::kNotFound) {
        return FileFailed(info.error());
      }
    }
    return true;
  }

  Outcome CreateWith(const KmsComponentConfig& config,
                     const std::vector<const Key*>& keys,
                     const Progress& progress) {
    BuiltFileOptions options;
    options.path = path_;
    options.encryption_context = config.encryption_context;
    options.key_deadline = config.operation_deadline;
    options.progress = [&](size_t done) { return progress(done, keys.size()); };
    const Result<Bytes> content =
        FormatOfNew(config) == KeyringFileFormat::kSealed
            ? BuildSealed(keys, options)
            : BuildJson(keys, options);
    if (!content && content.error().message() == kBuildStopped) {
      return Interrupted();
    }
    if (!content) return AddFailed(content.error(), 0, keys.size());
    const Outcome made = PublishFile(files_, path_, *content, new_file_mode_);
    created_ = made.has_value();
    return made;
  }

  KeyringFileFormat FormatOfNew(const KmsComponentConfig& config) const {
    return file_format_.value_or(
        config.file_format.value_or(KeyringFileFormat::kSealed));
  }

  Outcome CheckFormat(const KmsComponentConfig& config) const {
    if (FormatOfNew(config) == KeyringFileFormat::kSealed) return ExitCode::kOk;
    if (!config.slots.NeedsSlots()) return ExitCode::kOk;
    return UsageFailure(
        "a new file in Percona's JSON format has one KMS key, and the "
        "configuration has several, recovery_public_key or local_unlock_file",
        "configure one kms_key without these, or convert to sealed");
  }

  Result<Bytes> BuildSealed(const std::vector<const Key*>& keys,
                            const BuiltFileOptions& options) {
    const Result<SlotAccess> access = OpenSlotKeys(installation_, files_, log_);
    if (!access) return access.error();
    return BuildSealedFile(access->make_keys, keys, options, log_);
  }

  Result<Bytes> BuildJson(const std::vector<const Key*>& keys,
                          const BuiltFileOptions& options) {
    const Result<KmsAccess> kms = OpenKms(installation_, files_, log_);
    if (!kms) return kms.error();
    return BuildJsonFile(kms->service->wrapper(), keys, options, log_);
  }

  Outcome AddTo(KmsComponentConfig config, const std::vector<const Key*>& keys,
                const Progress& progress) {
    config.read_only = false;
    std::unique_ptr<WritableFile> lock;
    const Outcome free = LockFile(files_, path_, lock);
    if (!free) return free;
    lock = nullptr;
    const auto opened =
        KmsKeyring::Open(std::move(config), nullptr,
                         installation_.data_directory, LoadRetry::kOnce, log_);
    if (!opened) return Failed(opened.error());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Status status = (*opened)->keyring().Store(
          {keys[i]->name, keys[i]->type, keys[i]->data.Clone()});
      if (!status.ok()) return AddFailed(status, i, keys.size());
      if (!progress(i + 1, keys.size())) return Interrupted();
    }
    return ExitCode::kOk;
  }

  const Installation installation_;
  const StoreRole role_;
  Log& log_;
  const std::optional<KeyringFileFormat> file_format_;
  const mode_t new_file_mode_;
  FileSystem& files_ = PosixFileSystem();
  std::string path_;
  std::unique_ptr<WritableFile> lock_;
  bool created_ = false;  // What is missing in it has been told.
  NoLog quiet_;
};

}  // namespace

std::unique_ptr<KeyringStore> MakeKmsComponentStore(StoreSettings settings) {
  return std::make_unique<KmsComponentStore>(std::move(settings));
}

}  // namespace openkeyring
