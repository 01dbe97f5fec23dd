// SPDX-License-Identifier: MIT
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/backup_comparison.h"
#include "cli/backup_set.h"
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/commands/keyring_command.h"
#include "cli/confirmation.h"
#include "cli/keyring_store.h"
#include "cli/server_use.h"
#include "os/durable.h"
#include "os/random.h"
#include "storage/key_names.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxPart = size_t{1} << 30;

bool IsOnKmip(Product product) {
  return product == Product::kComponentKeyringKmip ||
         product == Product::kKmipKeyManagement;
}

// Nothing of a partly restored directory may look like a keyring without that
// key: the marks, which say what was made, come first, and key files last.
int Rank(const std::string& name) {
  if (ParseVersionMarkName(name) || name == kKeySetMarkName) return 0;
  return ParseKeyFileName(name) || name == kKeySetFileName ? 2 : 1;
}

// Its marks are left, which say what was made.
bool LostItsKeySet(const std::vector<KeyringPart>& parts) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(parts, [&](const KeyringPart& part) {
      return part.about.name == name;
    });
  };
  return has(kKeySetMarkName) && !has(kKeySetFileName);
}

class Restore {
 public:
  Restore(CommandContext& context, const Installation& installation,
          BackupManifest manifest, std::string directory, std::string place)
      : context_(context),
        installation_(installation),
        manifest_(std::move(manifest)),
        directory_(std::move(directory)),
        place_(std::move(place)),
        around_(manifest_.product == Product::kAwsKeyManagement
                    ? place_
                    : DirectoryName(place_)) {}

  Outcome Run() {
    if (place_.empty() && !manifest_.files.empty()) {
      return UsageFailure("the server's data directory is not known",
                          "name it with --datadir");
    }
    const Outcome compared = CompareWithWhatIsThere();
    if (!compared) return compared;
    const Outcome planned = MakePlan();
    if (!planned) return planned;
    const auto ended = Confirm(context_, "restore",
                               "Restore " + std::to_string(plan_.size()) +
                                   " files to " + around_ + "?",
                               plan_);
    if (ended) return *ended;
    const Outcome written = WriteAll();
    if (!written) return written;
    return CheckAndReport();
  }

 private:
  struct Step {
    const BackupFile* file;
    Bytes content;
    bool replaces = false;
    Bytes old;
  };

  // The name of a file where it is used, which may have been renamed.
  std::string PathOf(const BackupFile& file) const {
    if (manifest_.product == Product::kAwsKeyManagement) {
      return JoinPath(around_, file.name);
    }
    return place_ +
           file.name.substr(std::min(file.name.size(), manifest_.name.size()));
  }

  tl::unexpected<Failure> Refused(const std::string& why) const {
    return tl::unexpected(Failure(
        {StatusCode::kDenied, why + "; nothing was changed"}, ExitCode::kFailed,
        "if the backup is meant all the same, move what is there away "
        "first, and keep it"));
  }

  // The backup may not lack what is in use now.
  Outcome CompareWithWhatIsThere() {
    if (IsOnKmip(manifest_.product)) return CompareWithServer();
    if (manifest_.product == Product::kAwsKeyManagement) {
      const Outcome unused = CheckNoServerUses(place_, installation_, context_,
                                               files_, SystemProcessRunner());
      if (!unused) return unused;
    }
    const auto parts = ReadParts(files_, manifest_.product, place_);
    if (!parts) return FileFailed(parts.error());
    if (parts->empty()) return ExitCode::kOk;
    if (manifest_.product != Product::kAwsKeyManagement) {
      const Outcome locked = LockFile(files_, place_, lock_);
      if (!locked) return locked;
    } else {
      const Status marked = CheckMarksAreInBackup(*parts, manifest_);
      if (!marked.ok()) return Refused(marked.message());
      if (LostItsKeySet(*parts)) return ExitCode::kOk;
    }
    Installation in_place = installation_;
    in_place.path = place_;
    auto reader = OpenForReading(in_place, files_, context_.out);
    if (!reader) return tl::unexpected(reader.error());
    const auto keyring = (*reader)->List();
    if (!keyring) {
      // Damaged: it is kept aside.
      if (keyring.error().code == ExitCode::kProblems) return ExitCode::kOk;
      return tl::unexpected(keyring.error());
    }
    const Outcome compared = CompareWith(*keyring);
    if (!compared || manifest_.product == Product::kAwsKeyManagement) {
      return compared;
    }
    const std::string copy = JoinPath(directory_, manifest_.name);
    const auto difference =
        CompareCopy(files_, manifest_.product, place_, copy, context_.out);
    if (!difference) return FileFailed(difference.error());
    if (!*difference) return ExitCode::kOk;
    if ((*difference)->is_older || !installation_.is_configured) {
      return Refused((*difference)->reason);
    }
    return CompareValues(copy, (*difference)->reason);
  }

  // The bytes differ: are all keys the same?
  Outcome CompareValues(const std::string& copy, const std::string& reason) {
    const Result<Bytes> before = files_.Read(place_, kMaxPart);
    lock_.reset();
    const auto here = ReadKeys(place_);
    if (!here) return tl::unexpected(here.error());
    const auto there = ReadKeys(copy);
    if (!there) return tl::unexpected(there.error());
    if (CompareKeys(*here, *there).equal != here->size()) {
      return Refused(reason);
    }
    const Outcome locked = LockFile(files_, place_, lock_);
    if (!locked) return locked;
    const Result<Bytes> now = files_.Read(place_, kMaxPart);
    if (before && now && *before == *now) return ExitCode::kOk;
    return Refused(place_ + " was changed meanwhile");
  }

  tl::expected<KeyringStore::Keys, Failure> ReadKeys(const std::string& path) {
    Installation one = installation_;
    one.path = path;
    auto store = OpenKeyringStore(one, StoreRole::kSource, context_.out);
    if (!store) return tl::unexpected(store.error());
    return (*store)->ReadAll();
  }

  Outcome CompareWith(const StoredKeyring& there) {
    std::map<std::string, std::string> facts(there.facts.begin(),
                                             there.facts.end());
    for (const char* identity : {"file_id", "installation"}) {
      if (facts.contains(identity) && manifest_.facts.contains(identity) &&
          facts[identity] != manifest_.facts.at(identity)) {
        return Refused(place_ + " is another keyring than the backup's (" +
                       identity + " " + facts[identity] + ", not " +
                       manifest_.facts.at(identity) + ")");
      }
    }
    for (const BackupKey& key : KeysOf(there)) {
      if (!manifest_.keys.contains(key)) {
        return Refused("the backup of " + manifest_.created +
                       " is older than " + place_ + ": it lacks " +
                       ToString(key));
      }
    }
    return ExitCode::kOk;
  }

  // Keys are on the server, or they are lost.
  Outcome CompareWithServer() {
    auto reader = OpenForReading(installation_, files_, context_.out);
    if (!reader) return tl::unexpected(reader.error());
    const auto keyring = (*reader)->List();
    if (!keyring) return tl::unexpected(keyring.error());
    const std::set<BackupKey> there = KeysOf(*keyring);
    std::string missing;
    for (const BackupKey& key : manifest_.keys) {
      if (there.contains(key)) continue;
      missing += (missing.empty() ? "" : ", ") + ToString(key);
    }
    if (missing.empty()) return ExitCode::kOk;
    return tl::unexpected(Failure(
        {StatusCode::kCorrupt,
         "the KMIP server lacks keys that the backup names: " + missing +
             "; nothing was changed"},
        ExitCode::kProblems,
        "restore the KMIP server's objects by its own means first"));
  }

  Outcome MakePlan() {
    for (const BackupFile& file : manifest_.files) {
      Result<Bytes> content =
          files_.Read(JoinPath(directory_, file.name), kMaxPart);
      if (!content) return FileFailed(content.error());
      Step step{&file, std::move(*content), false, {}};
      Result<Bytes> there = files_.Read(PathOf(file), kMaxPart);
      if (there && *there == step.content) continue;
      if (!there && there.error().code() != StatusCode::kNotFound) {
        return FileFailed(there.error());
      }
      step.replaces = there.has_value();
      if (there) step.old = std::move(*there);
      // Key files and notes never change: another content is another key.
      if (step.replaces && (manifest_.product == Product::kAwsKeyManagement ||
                            IsOnKmip(manifest_.product))) {
        return Refused(PathOf(file) + " is there and is another one");
      }
      plan_.push_back({step.replaces ? "replace" : "create", PathOf(file),
                       step.replaces ? "the old one is kept beside it"
                                     : std::to_string(file.bytes) + " bytes"});
      steps_.push_back(std::move(step));
    }
    std::ranges::stable_sort(
        steps_, {}, [](const Step& step) { return Rank(step.file->name); });
    return ExitCode::kOk;
  }

  Outcome WriteAll() {
    for (const Step& step : steps_) {
      const Status status = step.replaces ? Replace(step) : Create(step);
      if (!status.ok()) {
        Failure failure(status, FileExitCodeOf(status));
        failure.changed = changed_;
        failure.unchanged.push_back(PathOf(*step.file));
        return tl::unexpected(std::move(failure));
      }
      changed_.push_back(PathOf(*step.file));
      if (context_.interruption.requested() && &step != &steps_.back()) {
        return Interrupted();
      }
    }
    return ExitCode::kOk;
  }

  Status Create(const Step& step) {
    const std::string path = PathOf(*step.file);
    return CreateDurably(files_, SystemRandom(), DirectoryName(path),
                         BaseName(path), step.content, step.file->mode,
                         OwnerForNewFile(files_, path));
  }

  Status Replace(const Step& step) {
    const std::string path = PathOf(*step.file);
    const Result<FileInfo> info = files_.Stat(path);
    if (!info) return info.error();
    const std::string aside =
        path + ".replaced-" + RandomHex(SystemRandom(), 8);
    Status status = CreateDurably(files_, SystemRandom(), DirectoryName(aside),
                                  BaseName(aside), step.old, info->permissions,
                                  info->owner);
    if (!status.ok()) return status;
    context_.out.Inform("kept " + path + " as " + aside);
    return ReplaceDurably(files_, SystemRandom(), path, step.content,
                          info->permissions, info->owner)
        .status;
  }

  Outcome CheckAndReport() {
    if (!IsOnKmip(manifest_.product)) {
      Installation restored = installation_;
      restored.path = place_;
      auto reader = OpenForReading(restored, files_, context_.out);
      if (!reader) return tl::unexpected(reader.error());
      const auto keyring = (*reader)->List();
      if (!keyring) return tl::unexpected(keyring.error());
      if (KeysOf(*keyring) != manifest_.keys) {
        return Failed({StatusCode::kCorrupt,
                       place_ + " does not have the keys of the backup"});
      }
    }
    if (context_.out.json()) {
      context_.out.PrintJson("restore",
                             {{"dry_run", false},
                              {"changed", !changed_.empty()},
                              {"product", ProductName(manifest_.product)},
                              {"place", place_},
                              {"files", changed_},
                              {"keys", manifest_.keys.size()}});
      return ExitCode::kOk;
    }
    context_.out.Line("restored " + std::to_string(changed_.size()) +
                      " files with " + std::to_string(manifest_.keys.size()) +
                      " keys to " + around_);
    return ExitCode::kOk;
  }

  CommandContext& context_;
  const Installation& installation_;
  const BackupManifest manifest_;
  const std::string directory_, place_, around_;
  FileSystem& files_ = PosixFileSystem();
  std::unique_ptr<WritableFile> lock_;
  std::vector<Step> steps_;
  Plan plan_;
  std::vector<std::string> changed_;
};

Outcome RunRestore(CommandContext& context) {
  FileSystem& files = PosixFileSystem();
  const std::string directory = context.arguments.Text("DIR");
  Result<BackupManifest> manifest = CheckBackup(files, directory);
  if (!manifest) {
    Failure failure(manifest.error(), FileExitCodeOf(manifest.error()));
    failure.unchanged.push_back("the keyring");
    return tl::unexpected(std::move(failure));
  }
  Arguments arguments = context.arguments;
  const std::string product = ProductName(manifest->product);
  if (!arguments.Has("--product")) arguments.Add("--product", product);
  CommandContext inner{arguments, context.out, context.interruption};
  const auto installation =
      FindInstallation(inner, files, SystemProcessRunner(), Needs::kPath);
  if (!installation) return tl::unexpected(installation.error());
  if (installation->product != manifest->product) {
    return UsageFailure(directory + " is a backup of " + product);
  }
  const auto place = PlaceOf(*installation, files, context.out);
  if (!place) return tl::unexpected(place.error());
  return Restore(context, *installation, std::move(*manifest), directory,
                 *place)
      .Run();
}

}  // namespace

CommandSpec RestoreCommand() {
  return {"restore",
          "put a backup of the keyring files in place",
          "Puts the files of a backup where the configuration says. Refused, "
          "with nothing changed, when the backup is incomplete or was changed, "
          "when it is older than what is there (a key or a newer state would "
          "be lost), and when it is of another keyring. A file that is "
          "replaced is kept beside the new one. Stop the server first.\n\n"
          "Of keys on a KMIP server only the note of the object group is put "
          "in place, after all keys that the backup names were found on the "
          "server.",
          {{"DIR", "The directory of the backup"}},
          {},
          {{"keyringctl restore /backup/keys-2026-11-29 --dry-run",
            "Is the backup good, and what would be done?"}},
          Effect::kChanges,
          Scope::kKeyring,
          RunRestore};
}

}  // namespace openkeyring
