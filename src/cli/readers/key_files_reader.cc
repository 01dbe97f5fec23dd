// SPDX-License-Identifier: MIT
// The key files of aws_key_management, one a version.
#include <algorithm>
#include <set>

#include "cli/interruption.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "cli/readers/sealed_listing.h"
#include "cli/readers/wrapped_keys.h"
#include "cli/stored_keyring.h"
#include "os/parallel.h"
#include "os/random.h"
#include "product/aws_key_management/aws_key_management.h"
#include "storage/mariadb_files/key_file_backend.h"
#include "storage/sealed/key_set_names.h"

namespace openkeyring {
namespace {

// When a file was made; nothing for a copy that kept no times.
std::optional<WallTime> TimeOf(const Result<FileInfo>& info) {
  constexpr int64_t kNanosPerSecond = 1000000000;
  if (!info || info->modified_ns < kNanosPerSecond) return std::nullopt;
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(info->modified_ns)));
}

class KeyFilesReader : public KeyringReader {
 public:
  KeyFilesReader(const Installation& installation, FileSystem& files, Log& log)
      : installation_(installation), files_(files), log_(log) {}

  tl::expected<StoredKeyring, Failure> List() override {
    const auto path = Path();
    if (!path) return tl::unexpected(path.error());
    StoredKeyring keyring;
    keyring.place = *path;
    if (HasKeySet(*path)) return ListKeySet(*path);
    keyring.format = "key files";
    KeyDirectory directory(files_, SystemRandom(), log_, {*path, true, ""});
    const auto versions = directory.ListMade();
    if (!versions) return FileFailed(versions.error());
    keyring.file = files_.Stat(*path).value_or(FileInfo());
    const Result<Bytes> installation =
        directory.Read(std::string(kInstallationFileName));
    if (installation) {
      keyring.facts.emplace_back(
          "installation",
          ReadInstallationFile(*installation).value_or("damaged"));
    }
    std::set<std::string> wrapping_keys;
    std::vector<StoredKey> keys;
    for (const KeyVersion version : *versions) {
      StoredKey key = ReadOne(directory, version);
      if (!key.wrapping_key.empty()) wrapping_keys.insert(key.wrapping_key);
      keys.push_back(std::move(key));
    }
    keyring.keys = std::move(keys);
    keyring.wrapping_keys.assign(wrapping_keys.begin(), wrapping_keys.end());
    return keyring;
  }

  tl::expected<Verification, Failure> Verify(
      const Progress& progress) override {
    const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation_);
    if (!options) return Failed(options.error());
    if (HasKeySet(options->directory)) return VerifyKeySet(*options, progress);
    const Result<KmsAccess> kms = OpenKms(installation_, files_, log_);
    if (!kms) return Failed(kms.error());
    KeyFileBackend backend(
        kms->service->wrapper(), files_, SystemRandom(), log_,
        {{options->directory, true, ""},
         [&] { return options->bind_policy; },
         installation_.path.empty() ? options->startup.access.data_directory
                                    : options->directory});
    Status status = backend.Prepare();
    if (!status.ok()) return FileFailed(status);
    AwsDynamicOptions dynamic;
    dynamic.SetMasterKeyId(options->master_key_id);
    NoLog quiet;  // OpenKms has said it all.
    status = AwsKeyManagement::CheckKeyFiles(options->startup, dynamic, quiet);
    if (status.code() == StatusCode::kMisconfigured) {
      return UsageFailure(status.message(),
                          "a start refuses it, too: change the options");
    }
    if (!status.ok()) return Failed(status);
    const auto versions = backend.List();
    if (!versions) return FileFailed(versions.error());
    auto found = FetchAll(backend, *versions, *kms, progress);
    if (found) found->place = options->directory;
    return found;
  }

 private:
  tl::expected<std::string, Failure> Path() {
    if (!installation_.path.empty()) return installation_.path;
    const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation_);
    if (!options) return Failed(options.error());
    return options->directory;
  }

  // Also where it is lost: then it must not look like a directory of files.
  bool HasKeySet(const std::string& directory) {
    return files_.Stat(JoinPath(directory, std::string(kKeySetFileName))) ||
           files_.Stat(JoinPath(directory, std::string(kKeySetMarkName)));
  }

  tl::expected<StoredKeyring, Failure> ListKeySet(
      const std::string& directory) {
    StoredKeyring keyring;
    keyring.place = JoinPath(directory, std::string(kKeySetFileName));
    const Result<FileInfo> info = files_.Stat(keyring.place);
    if (!info) return FileFailed(info.error().WithContext("the key set"));
    const Result<HighestVersions> marked = MarkedVersions(directory);
    if (!marked) return FileFailed(marked.error());
    keyring.file = *info;
    FindLockHolder(keyring.place, keyring);
    Status status = ListSealedFile(files_, log_, keyring);
    if (!status.ok()) return FileFailed(status.WithContext(keyring.place));
    keyring.format = "key set, " + keyring.format;
    HighestVersions highest;
    std::vector<StoredKey> keys;
    for (const StoredKey& record : keyring.keys) {
      StoredKey& key = keys.emplace_back(record);
      const Result<RecordIdentity> identity =
          ReadRecordIdentity({key.id, key.owner}, key.type);
      if (!identity) return FileFailed(identity.error());
      key.id = std::to_string(identity->key.id);
      key.version = identity->key.version;
      uint32_t& version = highest[identity->key.id];
      version = std::max(version, identity->key.version);
      key.owner.clear();
      key.type = "AES";
      key.created = TimeOfMark(directory, identity->key);
    }
    std::ranges::sort(keys, [](const auto& a, const auto& b) {
      return std::pair(std::stoul(a.id), a.version) <
             std::pair(std::stoul(b.id), b.version);
    });
    for (const KeyVersion key : MissingVersions(*marked, highest)) {
      log_.Write(LogLevel::kWarning,
                 MissingFromKeySet(keyring.place, key).message());
    }
    keyring.keys = std::move(keys);
    return keyring;
  }

  // A server marks a key after it is in the set: who looks for keys that are
  // missing reads the marks first.
  Result<HighestVersions> MarkedVersions(const std::string& directory) {
    const Result<KeyDirectory::Content> there =
        KeyDirectory(files_, SystemRandom(), log_, {directory, true, ""})
            .Look();
    if (!there) return there.error();
    return there->marked;
  }

  // A key is marked when it is made, and not when it is rotated: the set has no
  // times, and of a later version none is known.
  std::optional<WallTime> TimeOfMark(const std::string& directory,
                                     KeyVersion key) {
    return TimeOf(files_.Stat(JoinPath(directory, VersionMarkName(key))));
  }

  // As a program that is not the server opens it: all of it or an error, and
  // without a change.
  tl::expected<Verification, Failure> VerifyKeySet(
      const KeyFilesOptions& options, const Progress& progress) {
    AwsDynamicOptions dynamic;
    dynamic.SetMasterKeyId(options.master_key_id);
    AwsStartupOptions startup = options.startup;
    startup.startup_deadline = Millis(0);
    if (!installation_.path.empty()) {
      startup.access.data_directory = options.directory;
    }
    const Result<HighestVersions> marked = MarkedVersions(options.directory);
    if (!marked) return FileFailed(marked.error());
    (void)progress(0, 1);
    startup.progress = InHundredths([&progress](size_t done, size_t total) {
      (void)progress(done, total);
    });
    const auto opened = AwsKeyManagement::Open(startup, dynamic, log_);
    Verification found;
    found.place = JoinPath(options.directory, std::string(kKeySetFileName));
    if (opened) {
      AddMissing(*marked, (*opened)->keys().Versions(), found);
      found.keys = (*opened)->keys().counts().versions_loaded;
      const KeySetBackend* key_set = (*opened)->key_set();
      const auto store = key_set != nullptr ? key_set->store() : nullptr;
      found.by_local_file =
          store != nullptr && store->slots().opened_by_last_resort();
      (void)progress(found.keys, found.keys);
      return found;
    }
    if (ExitCodeOf(opened.error()) != ExitCode::kProblems) {
      return Failed(opened.error());
    }
    found.problems.push_back({found.place, opened.error()});
    return found;
  }

  static void AddMissing(const HighestVersions& marked,
                         const std::vector<KeyVersion>& versions,
                         Verification& found) {
    for (const KeyVersion key :
         MissingVersions(marked, HighestVersionsOf(versions))) {
      found.problems.push_back(
          {"key " + std::to_string(key.id) + "." + std::to_string(key.version),
           MissingFromKeySet(found.place, key)});
    }
  }

  StoredKey ReadOne(KeyDirectory& directory, KeyVersion version) {
    StoredKey key;
    const std::string name = KeyFileName(version);
    key.id = std::to_string(version.id);
    key.version = version.version;
    key.type = "AES";
    key.place = directory.PathOf(name);
    const Result<Bytes> content = directory.Read(name);
    if (!content) {
      key.state = content.error().code() == StatusCode::kNotFound
                      ? "missing"
                      : "unreadable";
      return key;
    }
    key.created = TimeOf(files_.Stat(key.place));
    const Result<KeyFile> file = ReadKeyFile(*content);
    if (!file) {
      key.state = "damaged";
      return key;
    }
    key.wrapping_key = file->wrapped.wrapping_key;
    if (!file->bound) key.state = "not bound";
    return key;
  }

  // That a version was made is known, so this is a loss.
  static Status Explained(const Status& status) {
    if (status.code() != StatusCode::kNotFound) return status;
    return {StatusCode::kCorrupt,
            "this version was made, and its file is missing: restore it from "
            "a backup"};
  }

  tl::expected<Verification, Failure> FetchAll(
      KeyFileBackend& backend, const std::vector<KeyVersion>& versions,
      const KmsAccess& kms, const Progress& progress) {
    Verification found;
    const size_t step = std::max<size_t>(kms.parallelism, 1);
    for (size_t start = 0; start < versions.size(); start += step) {
      const size_t count = std::min(step, versions.size() - start);
      std::vector<Status> outcomes(count);
      const Deadline deadline = Deadline::After(SystemClock(), kms.deadline);
      RunParallel(count, step, [&](size_t i) {
        outcomes[i] = backend.Fetch(versions[start + i], deadline).status();
      });
      for (size_t i = 0; i < count; ++i) {
        if (outcomes[i].ok()) {
          ++found.keys;
        } else if (LeavesKeyUnknown(outcomes[i])) {
          return Failed(outcomes[i]);
        } else {
          found.problems.push_back(
              {backend.Describe(versions[start + i]), Explained(outcomes[i])});
        }
      }
      if (!progress(start + count, versions.size())) return Interrupted();
    }
    return found;
  }

  const Installation installation_;
  FileSystem& files_;
  Log& log_;
};

}  // namespace

std::unique_ptr<KeyringReader> MakeKeyFilesReader(
    const Installation& installation, FileSystem& files, Log& log) {
  return std::make_unique<KeyFilesReader>(installation, files, log);
}

}  // namespace openkeyring
