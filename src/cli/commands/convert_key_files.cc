// SPDX-License-Identifier: MIT
// MariaDB's keys, from key files or a key set, into a new directory of key
// files, raw or bound.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/confirmation.h"
#include "cli/product_options.h"
#include "cli/readers/key_versions.h"
#include "cli/server_use.h"
#include "keyring/checked_wrap.h"
#include "os/process.h"
#include "os/random.h"
#include "os/staged_directory.h"
#include "storage/mariadb_files/key_file_backend.h"

namespace openkeyring {
namespace {

constexpr size_t kIdBytes = 16;

class Conversion {
 public:
  Conversion(CommandContext& context, const KeyFilesOptions& options,
             KmsAccess& kms, bool bound)
      : context_(context), options_(options), kms_(kms), bound_(bound) {}

  Outcome Run(const std::string& output) {
    const Outcome is_new = CheckNewPlace(files_, output);
    if (!is_new) return is_new;
    Result<VersionedSecrets> keys =
        ReadKeyVersions(options_, kms_, context_.out);
    if (!keys) return Failed(keys.error());
    if (keys->empty()) {
      return UsageFailure(options_.directory + " has no key files to convert",
                          "is it the directory that the server uses? --path "
                          "or --defaults-file names another");
    }
    const char* format = bound_ ? "bound" : "raw";
    const auto ended =
        Confirm(context_, "convert",
                "Write " + std::to_string(keys->size()) + " key files?",
                {{"create", output,
                  std::to_string(keys->size()) + " " + format +
                      " key files of " + options_.directory}});
    if (ended) return *ended;
    auto staged = StagedDirectory::Begin(files_, SystemRandom(), output,
                                         ModeOf(options_.directory, 0750));
    if (!staged) return FileFailed(staged.error());
    const Outcome written = Write(*keys, **staged);
    if (!written) return written;
    const Status same = Compare(*keys, (*staged)->path());
    if (!same.ok()) return Failed(same);
    if (context_.interruption.requested()) return Interrupted();
    const Status published = (*staged)->Publish();
    if (!published.ok()) return FileFailed(published);
    return Report(keys->size(), output);
  }

 private:
  Deadline NextDeadline() const {
    return Deadline::After(SystemClock(), kms_.deadline);
  }

  mode_t ModeOf(const std::string& path, mode_t fallback) {
    const Result<FileInfo> info = files_.Stat(path);
    return info ? info->permissions & 0777 : fallback;
  }

  // What the new files are bound to: this server's id, or a new one.
  Result<std::string> Installation() {
    const std::string name(kInstallationFileName);
    for (const std::string& directory :
         {options_.directory, options_.startup.access.data_directory}) {
      const Result<Bytes> content =
          files_.Read(JoinPath(directory, name), kMaxKeyFile);
      if (content) return ReadInstallationFile(*content);
      if (content.error().code() != StatusCode::kNotFound) {
        return content.error();
      }
    }
    if (!bound_) return std::string();
    return RandomHex(SystemRandom(), kIdBytes);
  }

  Outcome Write(const VersionedSecrets& keys, StagedDirectory& staged) {
    const Result<std::string> installation = Installation();
    if (!installation) return FileFailed(installation.error());
    std::map<uint32_t, uint32_t> highest;
    size_t written = 0;
    for (const auto& [version, key] : keys) {
      const Result<Bytes> content = Wrap(version, key, *installation);
      if (!content) return Failed(content.error());
      const std::string name = KeyFileName(version);
      const Status status = staged.Add(
          name, *content, ModeOf(JoinPath(options_.directory, name), 0440));
      if (!status.ok()) return FileFailed(status);
      highest[version.id] = std::max(highest[version.id], version.version);
      context_.out.Progress("wrapping keys", ++written, keys.size());
      if (context_.interruption.requested()) return Interrupted();
    }
    Status status;
    for (const auto& [id, version] : highest) {
      if (status.ok()) {
        status = staged.Add(VersionMarkName({id, version}), {}, 0440);
      }
    }
    if (status.ok() && !installation->empty()) {
      const Result<Bytes> file = WriteInstallationFile(*installation);
      if (!file) return Failed(file.error());
      status = staged.Add(std::string(kInstallationFileName), *file, 0440);
    }
    if (!status.ok()) return FileFailed(status);
    return ExitCode::kOk;
  }

  Result<Bytes> Wrap(KeyVersion version, const Secret& key,
                     const std::string& installation) {
    const EncryptionContext binding =
        bound_ ? ContextOf(version, installation) : EncryptionContext();
    Result<WrappedKey> wrapped =
        WrapChecked(kms_.service->wrapper(), key, binding,
                    bound_ ? StoredWith::kWrappingKey : StoredWith::kBlobOnly,
                    NextDeadline());
    if (!wrapped) return wrapped.error().WithContext(KeyFileName(version));
    return bound_ ? WriteBoundKeyFile(*wrapped, binding) : wrapped->blob;
  }

  Status Compare(const VersionedSecrets& keys, const std::string& directory) {
    const Result<VersionedSecrets> found =
        ReadKeyFileVersions(options_, directory, directory, kms_, context_.out);
    if (!found) return found.error();
    bool same = found->size() == keys.size();
    for (const auto& [version, key] : keys) {
      const auto other = found->find(version);
      same = same && other != found->end() && other->second.Equals(key);
    }
    if (same) return Status::Ok();
    return {StatusCode::kCorrupt, directory +
                                      " does not give back the keys of " +
                                      options_.directory + "; it was removed"};
  }

  Outcome Report(size_t keys, const std::string& output) {
    if (context_.out.json()) {
      context_.out.PrintJson("convert", {{"dry_run", false},
                                         {"changed", true},
                                         {"from", options_.directory},
                                         {"to", output},
                                         {"copied", keys},
                                         {"already_there", 0},
                                         {"compared", keys}});
      return ExitCode::kOk;
    }
    context_.out.Line("wrote " + std::to_string(keys) + " key files to " +
                      output + "; all compared and equal");
    return ExitCode::kOk;
  }

  CommandContext& context_;
  const KeyFilesOptions& options_;
  KmsAccess& kms_;
  const bool bound_;
  FileSystem& files_ = PosixFileSystem();
};

}  // namespace

Outcome ConvertKeyFiles(CommandContext& context,
                        const Installation& installation, bool bound) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
  if (!options) return Failed(options.error());
  const Outcome unused =
      CheckNoServerUses(options->directory, installation, context,
                        PosixFileSystem(), SystemProcessRunner());
  if (!unused) return unused;
  std::unique_ptr<WritableFile> lock;  // Of the key set, if there is one.
  const Outcome locked = LockFile(
      PosixFileSystem(),
      JoinPath(options->directory, std::string(kKeySetFileName)), lock);
  if (!locked) return tl::unexpected(locked.error());
  Result<KmsAccess> kms = OpenKms(installation, PosixFileSystem(), context.out);
  if (!kms) return Failed(kms.error());
  return Conversion(context, *options, *kms, bound)
      .Run(context.arguments.Text("--output"));
}

}  // namespace openkeyring
