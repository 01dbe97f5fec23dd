// SPDX-License-Identifier: MIT
#include "cli/commands/recover_key_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands/key_copy.h"
#include "cli/confirmation.h"
#include "cli/product_options.h"
#include "os/random.h"
#include "os/staged_directory.h"
#include "storage/key_directory.h"
#include "storage/key_names.h"
#include "storage/sealed/key_set_names.h"
#include "storage/sealed/key_set_store.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {
namespace {

constexpr mode_t kSetMode = 0640, kMarkMode = 0440, kDirectoryMode = 0750;
constexpr size_t kMaxHeader = size_t{1} << 20;

class Recovery {
 public:
  Recovery(CommandContext& context, const SealedPlace& place,
           const KeyFilesOptions& options)
      : context_(context), place_(place), options_(options) {
    dynamic_.SetMasterKeyId(options.master_key_id);
  }

  Outcome Run(KeyringStore& from, const std::string& output) {
    const auto keys = from.ReadAll();
    if (!keys) return tl::unexpected(keys.error());
    const Result<std::string> installation = InstallationOfSet();
    if (!installation) return FileFailed(installation.error());
    const auto highest = HighestInSet(*keys);
    if (!highest) return Failed(highest.error());
    const auto made = MadeVersions(*installation);
    if (!made) return FileFailed(made.error());
    const auto missing = MissingVersions(*made, *highest);
    WarnOf(missing);
    const auto ended =
        Confirm(context_, "recover", "Write a new key set?",
                {{"create", output,
                  "a key set with " + Counted(keys->size(), "key") + " of " +
                      place_.path}});
    if (ended) return OfPlan(*ended, missing.empty());
    const Result<Bytes> set = AwsKeyManagement::BuildKeySetFile(
        options_.startup, dynamic_, *installation, *keys, context_.out);
    if (!set) return Failed(set.error());
    auto staged = StagedDirectory::Begin(files_, SystemRandom(), output,
                                         ModeOfDirectory());
    if (!staged) return FileFailed(staged.error());
    Status status =
        Fill(**staged, *set, *installation, MarksOf(*highest, missing));
    if (!status.ok()) return FileFailed(status);
    status = Compare((*staged)->path(), *keys, missing.empty());
    if (!status.ok()) return Failed(status);
    if (context_.interruption.requested()) return Interrupted();
    status = (*staged)->Publish();
    if (!status.ok()) return FileFailed(status);
    Report(keys->size(), output);
    return missing.empty() ? ExitCode::kOk : ExitCode::kProblems;
  }

 private:
  // A dry run ends as the recovery would.
  static Outcome OfPlan(const Outcome& ended, bool is_newest) {
    return ended && !is_newest ? ExitCode::kProblems : ended;
  }

  // The header says it, and the recovery key has proven the header.
  Result<std::string> InstallationOfSet() {
    const Result<Bytes> start = files_.ReadStart(place_.path, kMaxHeader);
    if (!start) return start.error();
    const Result<ReadHeader> read = ReadSealedHeader(*start);
    if (!read) return read.error();
    const auto pair = read->header.context.find(kInstallationContext);
    if (pair != read->header.context.end()) return pair->second;
    return Status(StatusCode::kCorrupt,
                  place_.path + " does not say whose keys these are");
  }

  static Result<HighestVersions> HighestInSet(const std::vector<Key>& keys) {
    HighestVersions highest;
    for (const Key& key : keys) {
      const Result<RecordIdentity> record =
          ReadRecordIdentity(key.name, key.type);
      if (!record) return record.error();
      uint32_t& version = highest[record->key.id];
      version = std::max(version, record->key.version);
    }
    return highest;
  }

  static void AddMade(const KeyDirectory::Content& there,
                      HighestVersions& made) {
    for (const auto& [id, version] : there.marked) {
      made[id] = std::max(made[id], version);
    }
    for (const KeyVersion key : there.files) {
      made[key.id] = std::max(made[key.id], key.version);
    }
  }

  // By marks and key files beside the set and, for a copy that is elsewhere, in
  // the directory that the server uses.
  Result<HighestVersions> MadeVersions(const std::string& installation) {
    KeyDirectory beside(files_, SystemRandom(), context_.out,
                        {DirectoryName(place_.path), true, ""});
    const Result<KeyDirectory::Content> here = beside.Look();
    if (!here) return here.error();
    HighestVersions made;
    AddMade(*here, made);
    Installation configured = place_.installation;
    configured.path.clear();
    const Result<KeyFilesOptions> options = KeyFilesOptionsOf(configured);
    if (!options) return options.error();
    KeyDirectory own(files_, SystemRandom(), context_.out,
                     {options->directory, true, ""});
    const Result<KeyDirectory::Content> there = own.Look();
    // Recovery is for when all else is lost.
    if (there.status().code() == StatusCode::kNotFound) return made;
    if (!there) return there.error();
    const Result<Bytes> id = own.Read(std::string(kInstallationFileName));
    if (!id || ReadInstallationFile(*id).value_or("") != installation) {
      return made;
    }
    AddMade(*there, made);
    return made;
  }

  static HighestVersions MarksOf(HighestVersions in_set,
                                 const std::vector<KeyVersion>& missing) {
    for (const KeyVersion key : missing) in_set[key.id] = key.version;
    return in_set;
  }

  void WarnOf(const std::vector<KeyVersion>& missing) {
    for (const KeyVersion key : missing) {
      context_.out.Warn(
          MissingFromKeySet(place_.path, key).message(),
          "the new key set is marked to lack it, so that no server makes that "
          "version again; if there is no newer copy, what it encrypted is "
          "lost");
    }
  }

  mode_t ModeOfDirectory() {
    const Result<FileInfo> info = files_.Stat(DirectoryName(place_.path));
    return info ? info->permissions & 0777 : kDirectoryMode;
  }

  // What docs/file_formats.md wants beside a key set.
  static Status Fill(StagedDirectory& staged, const Bytes& set,
                     const std::string& installation,
                     const HighestVersions& marks) {
    const Result<Bytes> id = WriteInstallationFile(installation);
    if (!id) return id.error();
    Status status = staged.Add(std::string(kKeySetFileName), set, kSetMode);
    if (status.ok()) {
      status = staged.Add(std::string(kInstallationFileName), *id, kMarkMode);
    }
    if (status.ok()) {
      status = staged.Add(std::string(kKeySetMarkName), {}, kMarkMode);
    }
    for (const auto& [key_id, version] : marks) {
      if (!status.ok()) break;
      status = staged.Add(VersionMarkName({key_id, version}), {}, kMarkMode);
    }
    return status;
  }

  // As a start with this directory would read it.
  Status Compare(const std::string& directory, const std::vector<Key>& keys,
                 bool is_newest) {
    AwsStartupOptions startup = options_.startup;
    startup.keyfile_dir = startup.access.data_directory = directory;
    const auto opened = AwsKeyManagement::OpenForTool(
        startup, dynamic_, {false, false, is_newest}, context_.out);
    if (!opened) return opened.error();
    const Status same = CompareRecords((*opened)->opened_set()->keys(), keys);
    return same.ok() ? same : same.WithContext("nothing was recovered");
  }

  void Report(size_t keys, const std::string& output) {
    if (context_.out.json()) {
      context_.out.PrintJson("recover", {{"dry_run", false},
                                         {"changed", true},
                                         {"from", place_.path},
                                         {"to", output},
                                         {"copied", keys},
                                         {"already_there", 0},
                                         {"compared", keys}});
      return;
    }
    context_.out.Line("copied " + Counted(keys, "key") + " to a key set in " +
                      output + "; all compared and equal");
  }

  CommandContext& context_;
  const SealedPlace& place_;
  const KeyFilesOptions& options_;
  AwsDynamicOptions dynamic_;
  FileSystem& files_ = PosixFileSystem();
};

}  // namespace

Outcome RecoverKeySet(CommandContext& context, const SealedPlace& place,
                      KeyringStore& from, const std::string& output) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(place.installation);
  if (!options) return Failed(options.error());
  return Recovery(context, place, *options).Run(from, output);
}

}  // namespace openkeyring
