// SPDX-License-Identifier: MIT
// The data file of keyring_aws. Opened here and not by AwsDataFile, which makes
// a missing file, locks it, and sweeps what crashes left.
#include <set>

#include "base/encoding.h"
#include "cli/product_options.h"
#include "cli/readers/wrapped_keys.h"
#include "cli/stored_keyring.h"
#include "storage/keyring_aws/aws_data_file_format.h"

namespace openkeyring {
namespace {

class KeyringAwsReader : public KeyringReader {
 public:
  KeyringAwsReader(const Installation& installation, FileSystem& files,
                   Log& log)
      : installation_(installation), files_(files), log_(log) {}

  tl::expected<StoredKeyring, Failure> List() override {
    const auto path = Path();
    if (!path) return tl::unexpected(path.error());
    const auto content = ReadFile(*path);
    if (!content) return tl::unexpected(content.error());
    StoredKeyring keyring;
    keyring.place = *path;
    keyring.format = "keyring_aws 1";
    keyring.file = files_.Stat(*path).value_or(FileInfo());
    FindLockHolder(*path, keyring);
    keyring.facts = {{"file_id", HexEncode(content->file_id)},
                     {"generation", std::to_string(content->generation)}};
    std::set<std::string> wrapping_keys;
    std::vector<StoredKey> keys;
    for (const auto& [name, encrypted] : content->keys) {
      StoredKey key;
      key.id = name.data_id;
      key.owner = name.auth_id;
      key.type = encrypted->type;
      key.wrapping_key = encrypted->wrapped.wrapping_key;
      if (!key.wrapping_key.empty()) wrapping_keys.insert(key.wrapping_key);
      keys.push_back(std::move(key));
    }
    keyring.keys = std::move(keys);
    keyring.wrapping_keys.assign(wrapping_keys.begin(), wrapping_keys.end());
    return keyring;
  }

  tl::expected<Verification, Failure> Verify(
      const Progress& progress) override {
    const auto path = Path();
    if (!path) return tl::unexpected(path.error());
    const auto content = ReadFile(*path);
    if (!content) {
      if (content.error().code != ExitCode::kProblems) {
        return tl::unexpected(content.error());
      }
      Verification found;
      found.place = *path;
      found.problems.push_back({*path, content.error().status});
      return found;
    }
    const Result<KmsAccess> kms = OpenKms(installation_, files_, log_);
    if (!kms) return Failed(kms.error());
    std::vector<WrappedEntry> entries;
    for (const auto& [name, encrypted] : content->keys) {
      entries.push_back({ToString(name), encrypted->wrapped,
                         AwsKeyContext(content->file_id, name, encrypted->type),
                         name});
    }
    return UnwrapAll(*kms, *path, entries, progress, watcher_);
  }

 private:
  tl::expected<std::string, Failure> Path() {
    if (!installation_.path.empty()) return installation_.path;
    const Result<KeyringAwsOptions> options =
        KeyringAwsOptionsOf(installation_);
    if (!options) return Failed(options.error());
    return options->data_file;
  }

  tl::expected<AwsKeyringContent, Failure> ReadFile(const std::string& path) {
    const Result<Bytes> bytes = files_.Read(path, kMaxAwsDataFile);
    if (!bytes) {
      return FileFailed(bytes.error().WithContext("the keyring file"));
    }
    Result<AwsKeyringContent> content = DecodeAwsDataFile(*bytes);
    if (!content) return FileFailed(content.error().WithContext(path));
    return std::move(*content);
  }

  const Installation installation_;
  FileSystem& files_;
  Log& log_;
};

}  // namespace

std::unique_ptr<KeyringReader> MakeKeyringAwsReader(
    const Installation& installation, FileSystem& files, Log& log) {
  return std::make_unique<KeyringAwsReader>(installation, files, log);
}

}  // namespace openkeyring
