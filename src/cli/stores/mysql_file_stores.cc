// SPDX-License-Identifier: MIT
// MySQL's own keyring files: keys in the clear.
#include "cli/keyring_store.h"
#include "storage/mysql_files/component_file_format.h"
#include "storage/mysql_files/plugin_file_format.h"

namespace openkeyring {
namespace {

// MySQL leaves this behind when it was interrupted while it wrote.
Outcome CheckNoBackup(FileSystem& files, const std::string& path) {
  const std::string backup = path + ".backup";
  const Result<FileInfo> info = files.Stat(backup);
  if (!info && info.error().code() == StatusCode::kNotFound) {
    return ExitCode::kOk;
  }
  if (info && info->size == 0) return ExitCode::kOk;
  return tl::unexpected(Failure(
      {StatusCode::kCorrupt, backup + " is there: MySQL was interrupted while "
                                      "it wrote the keyring"},
      ExitCode::kProblems,
      "start MySQL once with this keyring, which decides between the two, or "
      "move the wrong one away"));
}

class ComponentFileStore : public KeyringStore {
 public:
  ComponentFileStore(std::string path, StoreRole role)
      : path_(std::move(path)), role_(role) {}

  std::string Description() const override {
    return "component_keyring_file in " + path_;
  }

  tl::expected<Keys, Failure> ReadAll() override {
    if (role_ == StoreRole::kTarget && IsMissing()) return Keys();
    const Outcome good = CheckNoBackup(files_, path_);
    if (!good) return tl::unexpected(good.error());
    Result<Secret> content = files_.ReadSecret(path_, kMaxPlainKeyring);
    if (!content) return FileFailed(content.error());
    Result<Keys> keys = ReadPlainJsonKeyring(*content);
    if (!keys) return FileFailed(keys.error().WithContext(path_));
    return std::move(*keys);
  }

  const char* ActionOfAdd() override { return "create"; }

  // MySQL takes no lock on this file, so one that is there is left alone.
  Outcome Add(const std::vector<const Key*>& keys, const Progress&) override {
    if (!IsMissing()) {
      return tl::unexpected(
          Failure({StatusCode::kAlreadyExists,
                   path_ + " is there and lacks keys; nothing was changed"},
                  ExitCode::kFailed, "name a file that does not exist"));
    }
    const Result<Secret> content = WritePlainJsonKeyring(keys);
    if (!content) return Failed(content.error());
    return PublishSecretFile(path_, *content);
  }

 private:
  bool IsMissing() {
    return files_.Stat(path_).status().code() == StatusCode::kNotFound;
  }

  const std::string path_;
  const StoreRole role_;
  FileSystem& files_ = PosixFileSystem();
};

class PluginFileStore : public KeyringStore {
 public:
  explicit PluginFileStore(std::string path) : path_(std::move(path)) {}

  std::string Description() const override {
    return "keyring_file in " + path_;
  }

  tl::expected<Keys, Failure> ReadAll() override {
    FileSystem& files = PosixFileSystem();
    const Outcome good = CheckNoBackup(files, path_);
    if (!good) return tl::unexpected(good.error());
    const Result<Secret> content = files.ReadSecret(path_, kMaxPlainKeyring);
    if (!content) return FileFailed(content.error());
    Result<Keys> keys = ReadPluginFile(*content);
    if (!keys) return FileFailed(keys.error().WithContext(path_));
    return std::move(*keys);
  }

  const char* ActionOfAdd() override { return ""; }
  Outcome Add(const std::vector<const Key*>&, const Progress&) override {
    return UsageFailure(path_ + " is only read");
  }

 private:
  const std::string path_;
};

}  // namespace

std::unique_ptr<KeyringStore> MakeComponentFileStore(std::string path,
                                                     StoreRole role) {
  return std::make_unique<ComponentFileStore>(std::move(path), role);
}

std::unique_ptr<KeyringStore> MakePluginFileStore(std::string path) {
  return std::make_unique<PluginFileStore>(std::move(path));
}

}  // namespace openkeyring
