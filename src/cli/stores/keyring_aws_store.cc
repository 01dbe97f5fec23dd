// SPDX-License-Identifier: MIT
// The data file of keyring_aws.
#include "cli/interruption.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "keyring/key_batch.h"
#include "os/memory_file_system.h"
#include "os/random.h"
#include "storage/keyring_aws/encrypted_keyring.h"

namespace openkeyring {
namespace {

constexpr mode_t kNewFileMode = 0640;
constexpr char kName[] = "data";

class KeyringAwsStore : public KeyringStore {
 public:
  explicit KeyringAwsStore(StoreSettings settings)
      : installation_(std::move(settings.installation)),
        role_(settings.role),
        log_(settings.log) {}

  std::string Description() const override {
    return "keyring_aws" + (path_.empty() ? "" : " in " + path_);
  }

  tl::expected<Keys, Failure> ReadAll() override {
    const Result<KeyringAwsOptions> options =
        KeyringAwsOptionsOf(installation_);
    if (!options) return Failed(options.error());
    path_ = options->data_file;
    if (role_ == StoreRole::kTarget && IsMissing()) return Keys();
    const Outcome locked = LockFile(files_, path_, lock_);
    if (!locked) return tl::unexpected(locked.error());
    if (role_ == StoreRole::kTarget) lock_ = nullptr;
    const Result<Bytes> bytes = files_.Read(path_, kMaxAwsDataFile);
    if (!bytes) return FileFailed(bytes.error());
    const Result<AwsKeyringContent> content = DecodeAwsDataFile(*bytes);
    if (!content) return FileFailed(content.error().WithContext(path_));
    return UnwrapAll(*content);
  }

  const char* ActionOfAdd() override {
    return IsMissing() ? "create" : "add to";
  }

  Outcome Add(const std::vector<const Key*>& keys,
              const Progress& progress) override {
    const Result<KmsAccess> kms = OpenKms(installation_, files_, log_);
    if (!kms) return Failed(kms.error());
    return IsMissing() ? CreateWith(*kms, keys, progress)
                       : AddTo(*kms, keys, progress);
  }

 private:
  bool IsMissing() {
    return files_.Stat(path_).status().code() == StatusCode::kNotFound;
  }

  tl::expected<Keys, Failure> UnwrapAll(const AwsKeyringContent& content) {
    const Result<KmsAccess> kms = OpenKms(installation_, files_, log_);
    if (!kms) return Failed(kms.error());
    std::vector<KeyName> names;
    Keys keys;
    for (const auto& [name, encrypted] : content.keys) {
      names.push_back(name);
      keys.push_back({name, encrypted->type, Secret()});
    }
    const Deadline deadline = Deadline::After(
        SystemClock(), kms->deadline * (1 + keys.size() / kms->parallelism));
    Status status = ForEveryKey(
        names, kms->parallelism, SystemClock(), SystemRandom(), deadline,
        "open", [&](size_t i, const Deadline& own) {
          const EncryptedKey& encrypted = *content.keys.at(names[i]);
          Result<UnwrappedKey> opened = kms->service->wrapper().Unwrap(
              encrypted.wrapped,
              AwsKeyContext(content.file_id, names[i], encrypted.type), own);
          if (opened) keys[i].data = std::move(opened->key);
          return opened.status();
        });
    if (!status.ok()) return Failed(status.WithContext(path_));
    return keys;
  }

  Outcome Store(const KmsAccess& kms, FileSystem& files, Log& log,
                const std::string& path, const std::vector<const Key*>& keys,
                const Progress& progress) {
    const auto keyring = EncryptedKeyring::Open(
        std::make_unique<AwsDataFile>(files, SystemRandom(), log, path,
                                      OwnerForNewFile(files_, path_)),
        SystemClock(), SystemRandom(), {false, kms.parallelism});
    if (!keyring) return FileFailed(keyring.error());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Status status =
          (*keyring)->Store(kms.service->wrapper(), *keys[i],
                            Deadline::After(SystemClock(), kms.deadline));
      const bool is_new = &files != &files_;
      if (!status.ok()) return AddFailed(status, is_new ? 0 : i, keys.size());
      if (!progress(i + 1, keys.size())) return Interrupted();
    }
    return ExitCode::kOk;
  }

  Outcome CreateWith(const KmsAccess& kms, const std::vector<const Key*>& keys,
                     const Progress& progress) {
    MemoryFileSystem memory;
    NoLog quiet;
    const Outcome stored = Store(kms, memory, quiet, kName, keys, progress);
    if (!stored) return stored;
    const Result<Bytes> content = memory.Read(kName, kMaxAwsDataFile);
    if (!content) return Failed(content.error());
    return PublishFile(files_, path_, *content, kNewFileMode);
  }

  Outcome AddTo(const KmsAccess& kms, const std::vector<const Key*>& keys,
                const Progress& progress) {
    std::unique_ptr<WritableFile> lock;
    const Outcome free = LockFile(files_, path_, lock);
    if (!free) return free;
    lock = nullptr;
    return Store(kms, files_, log_, path_, keys, progress);
  }

  const Installation installation_;
  const StoreRole role_;
  Log& log_;
  FileSystem& files_ = PosixFileSystem();
  std::string path_;
  std::unique_ptr<WritableFile> lock_;
};

}  // namespace

std::unique_ptr<KeyringStore> MakeKeyringAwsStore(StoreSettings settings) {
  return std::make_unique<KeyringAwsStore>(std::move(settings));
}

}  // namespace openkeyring
