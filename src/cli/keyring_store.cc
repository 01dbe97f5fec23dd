// SPDX-License-Identifier: MIT
#include "cli/keyring_store.h"

#include "cli/product_options.h"
#include "os/durable.h"
#include "os/lock_holder.h"
#include "os/random.h"
#include "os/secret_file.h"
#include "storage/key_names.h"

namespace openkeyring {
namespace {

constexpr mode_t kPrivate = 0600;

tl::unexpected<Failure> InUse(const std::string& path,
                              const std::string& holder) {
  return tl::unexpected(
      Failure({StatusCode::kUnavailable,
               path + " is in use by " + holder + "; nothing was changed"},
              ExitCode::kInUse, "stop the server first"));
}

}  // namespace

Outcome CheckNotReadOnly(const Installation& installation, Log& log) {
  const Result<bool> read_only =
      IsConfiguredReadOnly(installation, PosixFileSystem(), log);
  if (!read_only) return Failed(read_only.error());
  if (!*read_only) return ExitCode::kOk;
  return UsageFailure(
      "the configuration has read_only, which forbids every change of the "
      "keyring; nothing was changed",
      "remove read_only from it, or use the configuration of the server "
      "that may write");
}

Outcome CheckIsThere(FileSystem& files, const std::string& path) {
  const Status status = files.Stat(path).status();
  if (status.ok()) return ExitCode::kOk;
  if (status.code() != StatusCode::kNotFound) return FileFailed(status);
  return UsageFailure("there is no keyring file " + path);
}

Outcome LockFile(FileSystem& files, const std::string& path,
                 std::unique_ptr<WritableFile>& lock) {
  if (lock != nullptr && lock->IsAt(path).value_or(false)) {
    return ExitCode::kOk;
  }
  Result<std::unique_ptr<WritableFile>> opened =
      files.OpenLocked(files.ResolveLink(path).value_or(path));
  if (opened) {
    lock = std::move(*opened);
    return ExitCode::kOk;
  }
  // The list of locks may tell the inode alone, which other files have as well:
  // it says who, and whether only where the lock itself cannot be tried.
  const auto holder = LockHolderOf(path);
  if (holder) return InUse(path, holder->text);
  if (opened.error().code() == StatusCode::kAlreadyExists) {
    return InUse(path, "another process");
  }
  return ExitCode::kOk;
}

Failure ServerRuns(int pid) {
  return {{StatusCode::kUnavailable,
           "the server runs, pid " + std::to_string(pid) +
               ", and may make keys; nothing was changed"},
          ExitCode::kInUse,
          "stop the server first"};
}

bool HasKeySet(const std::string& directory) {
  for (const std::string_view name : {kKeySetFileName, kKeySetMarkName}) {
    const Status found =
        PosixFileSystem().Stat(JoinPath(directory, std::string(name))).status();
    if (found.code() != StatusCode::kNotFound) return true;
  }
  return false;
}

Outcome CheckNewPlace(FileSystem& files, std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const Result<FileInfo> info = files.Stat(path);
  if (info) {
    return tl::unexpected(Failure(
        {StatusCode::kAlreadyExists,
         path + " is there already; nothing was changed"},
        ExitCode::kFailed, "name a file or directory that does not exist"));
  }
  if (info.error().code() != StatusCode::kNotFound) {
    return FileFailed(info.error());
  }
  const Result<FileInfo> around = files.Stat(DirectoryName(path));
  if (!around) return FileFailed(around.error());
  return ExitCode::kOk;
}

std::optional<FileOwner> OwnerForNewFile(FileSystem& files,
                                         const std::string& path) {
  const Result<FileInfo> info = files.Stat(DirectoryName(path));
  if (!info) return std::nullopt;
  return info->owner;
}

namespace {

void SweepTemporaries(FileSystem& files, const std::string& path) {
  const std::string directory = DirectoryName(path), own = BaseName(path);
  const Result<std::vector<std::string>> names = files.List(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!IsTemporaryNameOf(name, own)) continue;
    (void)files.RemoveUnlocked(JoinPath(directory, name));
  }
}

Outcome Published(const Status& status, const std::string& path) {
  if (status.ok()) return ExitCode::kOk;
  Failure failure(status, FileExitCodeOf(status));
  if (status.code() == StatusCode::kAlreadyExists) {
    failure.code = ExitCode::kFailed;
    failure.hint = "nothing is overwritten: name a file that does not exist";
  }
  failure.unchanged.push_back(path);
  return tl::unexpected(std::move(failure));
}

}  // namespace

Outcome PublishFile(FileSystem& files, const std::string& path,
                    ByteView content, mode_t permissions) {
  SweepTemporaries(files, path);
  return Published(
      CreateDurably(files, SystemRandom(), DirectoryName(path), BaseName(path),
                    content, permissions, OwnerForNewFile(files, path)),
      path);
}

Outcome PublishSecretFile(const std::string& path, const Secret& content) {
  FileSystem& files = PosixFileSystem();
  SweepTemporaries(files, path);
  const Status status =
      CreateSecretFile(path, content, kPrivate, OwnerForNewFile(files, path));
  return status.code() == StatusCode::kInvalidArgument
             ? PublishFile(files, path, content.RevealBytes(), kPrivate)
             : Published(status, path);
}

Outcome AddFailed(Status status, size_t added, size_t total) {
  Failure failure(std::move(status));
  failure.changed.push_back(std::to_string(added) + " keys were added");
  failure.unchanged.push_back(std::to_string(total - added) +
                              " keys were not; run the command again");
  return tl::unexpected(std::move(failure));
}

tl::expected<std::unique_ptr<KeyringStore>, Failure> OpenKeyringStore(
    const Installation& installation, StoreRole role, Log& log) {
  StoreSettings settings = {installation, role, log};
  switch (installation.product) {
    case Product::kComponentKeyringKms:
      return MakeKmsComponentStore(std::move(settings));
    case Product::kComponentKeyringKmip:
      return MakeKmipComponentStore(std::move(settings));
    case Product::kKeyringAws:
      return MakeKeyringAwsStore(std::move(settings));
    default:
      return UsageFailure(std::string(ProductName(installation.product)) +
                              " has keys of MariaDB, which MySQL's keyrings "
                              "cannot hold",
                          "keyringctl convert is for MariaDB's key files");
  }
}

}  // namespace openkeyring
