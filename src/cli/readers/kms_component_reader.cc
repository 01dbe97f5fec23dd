// SPDX-License-Identifier: MIT
// The keyring file of component_keyring_kms, whatever its format.
#include <set>

#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "cli/readers/newest_json.h"
#include "cli/readers/sealed_listing.h"
#include "cli/readers/wrapped_keys.h"
#include "cli/stored_keyring.h"
#include "product/component_keyring_kms/kms_keyring.h"
#include "product/component_keyring_kms/stored_form.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {
namespace {

constexpr size_t kMagic = 8;

class KmsComponentReader : public KeyringReader {
 public:
  KmsComponentReader(const Installation& installation, FileSystem& files,
                     Log& log)
      : installation_(installation), files_(files), log_(log) {}

  tl::expected<StoredKeyring, Failure> List() override {
    const auto path = Path();
    if (!path) return tl::unexpected(path.error());
    StoredKeyring keyring;
    keyring.place = *path;
    const Result<FileInfo> info = files_.Stat(*path);
    if (!info) return NoFile(info.error());
    keyring.file = *info;
    FindLockHolder(*path, keyring);
    const Result<Bytes> start = files_.ReadStart(*path, kMagic);
    if (!start) return FileFailed(start.error());
    Status status = !start->empty() && LooksSealed(*start)
                        ? ListSealedFile(files_, log_, keyring)
                        : ListJson(keyring);
    if (!status.ok()) return FileFailed(status.WithContext(*path));
    return keyring;
  }

  // As a start does it, but without changing anything.
  tl::expected<Verification, Failure> Verify(
      const Progress& progress) override {
    const auto path = Path();
    if (!path) return tl::unexpected(path.error());
    const Result<FileInfo> info = files_.Stat(*path);
    if (!info) return NoFile(info.error());
    Result<KmsComponentConfig> config =
        KmsComponentOptions(installation_, files_, log_);
    if (!config) return Failed(config.error());
    const Result<KeyringFileFormat> form =
        ChooseForm(files_, *config, true, installation_.data_directory);
    if (form.status().code() == StatusCode::kMisconfigured) {
      return UsageFailure(form.error().message(),
                          "a start refuses it, too: change the options or the "
                          "file");
    }
    if (!form) return Refused(*path, form.error());
    if (*form != KeyringFileFormat::kSealed) return VerifyJson(progress);
    // A bar shows how much of the file was read: how many keys are in it is
    // known at the end.
    (void)progress(0, 1);
    config->progress = InHundredths([&progress](size_t done, size_t total) {
      (void)progress(done, total);
    });
    Verification found;
    found.place = *path;
    Result<size_t> keys =
        watcher_ ? Show(KmsKeyring::Open(std::move(*config), nullptr,
                                         installation_.data_directory,
                                         LoadRetry::kOnce, log_))
                 : KmsKeyring::VerifySealedFile(std::move(*config), log_);
    if (!keys) {
      const Result<size_t> by_file = Show(OpenByLocalFile());
      found.by_local_file = by_file.has_value();
      if (by_file) keys = by_file;
    }
    if (keys) {
      found.keys = *keys;
      (void)progress(found.keys, found.keys);
      return found;
    }
    return Refused(*path, keys.error());
  }

 private:
  static tl::expected<Verification, Failure> Refused(const std::string& path,
                                                     const Status& status) {
    if (ExitCodeOf(status) != ExitCode::kProblems) return Failed(status);
    Verification found;
    found.place = path;
    found.problems.push_back({path, status});
    return found;
  }

  // How many keys it has, after the watcher has seen each.
  Result<size_t> Show(const Result<std::unique_ptr<KmsKeyring>>& opened) {
    if (!opened) return opened.error();
    Keyring& keyring = (*opened)->keyring();
    if (watcher_) {
      for (const auto& key : keyring.List()) watcher_(key->name, key->data);
    }
    return keyring.size();
  }

  Result<std::unique_ptr<KmsKeyring>> OpenByLocalFile() {
    NoLog quiet;  // Everything was said when it was opened the other way.
    Result<KmsComponentConfig> config =
        KmsComponentOptions(installation_, files_, quiet);
    if (!config) return config.error();
    return KmsKeyring::OpenByLocalFile(std::move(*config),
                                       installation_.data_directory, log_);
  }

  tl::expected<std::string, Failure> Path() {
    if (!installation_.path.empty()) return installation_.path;
    const Result<KmsComponentConfig> config =
        KmsComponentOptions(installation_, files_, log_);
    if (!config) return Failed(config.error());
    return config->path;
  }

  static tl::unexpected<Failure> NoFile(const Status& status) {
    if (status.code() != StatusCode::kNotFound) return FileFailed(status);
    return UsageFailure(
        "there is no keyring file: " + status.message(),
        "before a server's first start there is none; otherwise correct path, "
        "mount its directory, or restore the file");
  }

  Status ListJson(StoredKeyring& keyring) {
    const Result<JsonKeyring> document =
        ReadNewestJson(files_, keyring.place, log_);
    if (!document) return document.error();
    keyring.format = JsonFormatName(document->encoding());
    std::map<KeyName, const JsonElement*> sorted;
    for (size_t i = 0; i < document->size(); ++i) {
      sorted[document->element(i).name] = &document->element(i);
    }
    std::vector<StoredKey> keys;
    for (const auto& [name, element] : sorted) {
      StoredKey key;
      key.id = name.data_id;
      key.owner = name.auth_id;
      key.type = element->type;
      keys.push_back(std::move(key));
    }
    keyring.keys = std::move(keys);
    return Status::Ok();
  }

  tl::expected<Verification, Failure> VerifyJson(const Progress& progress) {
    const auto path = Path();
    if (!path) return tl::unexpected(path.error());
    const Result<JsonKeyring> document = ReadNewestJson(files_, *path, log_);
    if (!document) {
      Verification found;
      found.place = *path;
      found.problems.push_back({*path, document.error()});
      if (ExitCodeOf(document.error()) == ExitCode::kProblems) return found;
      return FileFailed(document.error());
    }
    std::vector<WrappedEntry> entries;
    for (size_t i = 0; i < document->size(); ++i) {
      const JsonElement& element = document->element(i);
      entries.push_back(
          {ToString(element.name), element.wrapped, {}, element.name});
    }
    const Result<KmsAccess> kms = OpenKms(installation_, files_, log_);
    if (!kms) return Failed(kms.error());
    return UnwrapAll(*kms, *path, entries, progress, watcher_);
  }

  const Installation installation_;
  FileSystem& files_;
  Log& log_;
};

}  // namespace

std::unique_ptr<KeyringReader> MakeKmsComponentReader(
    const Installation& installation, FileSystem& files, Log& log) {
  return std::make_unique<KmsComponentReader>(installation, files, log);
}

}  // namespace openkeyring
