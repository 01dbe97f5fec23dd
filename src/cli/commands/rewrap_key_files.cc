// SPDX-License-Identifier: MIT
#include "cli/commands/rewrap_key_files.h"

#include "cli/confirmation.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "cli/server_use.h"
#include "keyring/checked_wrap.h"
#include "os/durable.h"
#include "os/process.h"
#include "os/random.h"
#include "storage/mariadb_files/key_file_backend.h"

namespace openkeyring {
namespace {

using Done = tl::expected<RewrappedKeyFiles, Failure>;

class Rewrap {
 public:
  Rewrap(CommandContext& context, const KeyFilesOptions& options,
         KmsAccess& kms)
      : context_(context), options_(options), kms_(kms) {}

  Done Run() {
    Status status = OpenAll();
    if (!status.ok()) return Failed(status);
    done_.keys = keys_.size();
    Plan plan;
    for (const Entry& entry : keys_) {
      if (!entry.is_current) {
        plan.push_back(
            {"wrap again", PathOf(entry.version),
             "under " + kms_.kms_key + " instead of " + entry.wrapping_key});
      }
    }
    if (plan.empty() && !context_.arguments.Has("--dry-run")) return done_;
    done_.ended = Confirm(
        context_, "rewrap",
        "Wrap " + std::to_string(plan.size()) + " key files again?", plan);
    if (done_.ended) return done_;
    return ReplaceAll();
  }

 private:
  struct Entry {
    KeyVersion version;
    Secret key;
    std::string wrapping_key;
    bool is_current = false;
  };

  std::string PathOf(KeyVersion version) const {
    return JoinPath(options_.directory, KeyFileName(version));
  }
  Deadline NextDeadline() const {
    return Deadline::After(SystemClock(), kms_.deadline);
  }
  KeyWrapper& wrapper() { return kms_.service->wrapper(); }

  // Every key, with all checks of a start. One that cannot be opened is an
  // error: nothing is changed then.
  Status OpenAll() {
    KeyFileBackend backend(wrapper(), files_, SystemRandom(), context_.out,
                           {{options_.directory, true, ""},
                            [this] { return options_.bind_policy; },
                            options_.startup.access.data_directory});
    Status status = backend.Prepare();
    if (!status.ok()) return status;
    const auto versions = backend.List();
    if (!versions) return versions.error();
    for (const KeyVersion version : *versions) {
      Result<Secret> key = backend.Fetch(version, NextDeadline());
      if (!key) return key.error();
      Entry entry{version, std::move(*key), "", false};
      status = FindWrappingKey(entry);
      if (!status.ok()) return status;
      keys_.push_back(std::move(entry));
      context_.out.Progress("opening keys", keys_.size(), versions->size());
    }
    context_.out.EndProgress();
    return status;
  }

  // A raw file does not say it, but KMS does.
  Status FindWrappingKey(Entry& entry) {
    const Result<KeyFile> file = ReadOne(entry.version);
    if (!file) return file.error();
    entry.wrapping_key = file->wrapped.wrapping_key;
    if (entry.wrapping_key.empty()) {
      const Result<UnwrappedKey> opened =
          wrapper().Unwrap(file->wrapped, file->binding, NextDeadline());
      if (!opened) return opened.error();
      entry.wrapping_key = opened->wrapping_key;
    }
    const Result<bool> current =
        wrapper().IsCurrent(entry.wrapping_key, NextDeadline());
    if (!current) return current.error();
    entry.is_current = *current;
    return Status::Ok();
  }

  Result<KeyFile> ReadOne(KeyVersion version) {
    const Result<Bytes> content = files_.Read(PathOf(version), kMaxKeyFile);
    if (!content) return content.error();
    return ReadKeyFile(*content);
  }

  Done ReplaceAll() {
    for (const Entry& entry : keys_) {
      if (entry.is_current) continue;
      if (context_.interruption.requested()) return Stopped(Interrupted());
      const Status status = ReplaceOne(entry);
      if (!status.ok()) {
        return Stopped(Failed(status.WithContext(PathOf(entry.version))));
      }
      ++done_.rewrapped;
      context_.out.Progress("wrapping keys", done_.rewrapped, keys_.size());
    }
    context_.out.EndProgress();
    return done_;
  }

  Done Stopped(tl::unexpected<Failure> failed) const {
    Failure failure = std::move(failed.value());
    failure.changed.push_back(std::to_string(done_.rewrapped) +
                              " key files were wrapped again");
    failure.hint = "run the command again: every file can be opened";
    return tl::unexpected(std::move(failure));
  }

  Status ReplaceOne(const Entry& entry) {
    const std::string path = PathOf(entry.version);
    const Result<KeyFile> old = ReadOne(entry.version);
    if (!old) return old.error();
    const Result<WrappedKey> wrapped = WrapChecked(
        wrapper(), entry.key, old->binding,
        old->bound ? StoredWith::kWrappingKey : StoredWith::kBlobOnly,
        NextDeadline());
    if (!wrapped) return wrapped.error();
    const Result<Bytes> content =
        old->bound ? WriteBoundKeyFile(*wrapped, old->binding) : wrapped->blob;
    if (!content) return content.error();
    const Result<FileInfo> info = files_.Stat(path);
    if (!info) return info.error();
    const Status status = ReplaceDurably(files_, SystemRandom(), path, *content,
                                         info->permissions, info->owner)
                              .status;
    return status.ok() ? CheckOne(entry) : status;
  }

  // As it is on the disk now.
  Status CheckOne(const Entry& entry) {
    const Result<KeyFile> file = ReadOne(entry.version);
    if (!file) return file.error();
    const Result<UnwrappedKey> opened =
        wrapper().Unwrap(file->wrapped, file->binding, NextDeadline());
    if (!opened) return opened.error();
    if (opened->key.Equals(entry.key)) return Status::Ok();
    return {StatusCode::kCorrupt, "it opens as another key"};
  }

  CommandContext& context_;
  const KeyFilesOptions& options_;
  KmsAccess& kms_;
  FileSystem& files_ = PosixFileSystem();
  std::vector<Entry> keys_;
  RewrappedKeyFiles done_;
};

}  // namespace

Done RewrapKeyFiles(CommandContext& context, const Installation& installation) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
  if (!options) return Failed(options.error());
  const Outcome unused =
      CheckNoServerUses(options->directory, installation, context,
                        PosixFileSystem(), SystemProcessRunner());
  if (!unused) return tl::unexpected(unused.error());
  Result<KmsAccess> kms = OpenKms(installation, PosixFileSystem(), context.out);
  if (!kms) return Failed(kms.error());
  return Rewrap(context, *options, *kms).Run();
}

}  // namespace openkeyring
