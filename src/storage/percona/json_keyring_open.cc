// SPDX-License-Identifier: MIT
// JsonKeyringFile: opening, and what a crash of its last writer left.
#include <algorithm>
#include <utility>

#include "storage/percona/json_keyring_file.h"

namespace openkeyring {
namespace {

// Refusals that come from what the file system is, not from its state now.
bool IsForGood(const Status& status) {
  return status.code() == StatusCode::kDenied ||
         status.code() == StatusCode::kReadOnly;
}

}  // namespace

JsonKeyringFile::JsonKeyringFile(const FileBackendDependencies& world,
                                 std::shared_ptr<KeyringFile> file,
                                 bool read_only, bool may_create)
    : world_(world),
      file_(std::move(file)),
      read_only_(read_only),
      may_create_(may_create) {}

Status JsonKeyringFile::Open() {
  Lock();
  Result<JsonImage> main = ReadJsonImage(world_.files, path());
  if (!main) return main.error();
  if (main->state != JsonImage::State::kMissing && !file_->locked() &&
      why_read_only_.ok()) {
    return Open();  // Somebody has just made it.
  }
  Result<JsonImage> backup = ReadJsonImage(world_.files, BackupPath());
  if (!backup) {
    return backup.error().WithContext(
        "can't tell whether a backup that a crash left is newer than the file");
  }
  Result<BackupFate> fate = JudgeBackup(*main, *backup);
  if (!fate) return fate.error().WithContext(path());
  fate_ = *fate;
  Status status;
  if (fate_ != BackupFate::kRestore) status = CheckNew(*main);
  if (!status.ok()) return status;
  main_is_damaged_ = main->state == JsonImage::State::kDamaged;
  document_ = fate_ == BackupFate::kRestore ? backup->document : main->document;
  content_ = std::move(main->content);
  backup_ = std::move(*backup);
  return status;
}

void JsonKeyringFile::Lock() {
  if (read_only_) {
    why_read_only_ = {StatusCode::kReadOnly,
                      "the keys of " + path() +
                          " can't be changed: read_only is set in the "
                          "configuration"};
    return;
  }
  file_->Acquire();
  epoch_ = file_->epoch();
  const Status reason = file_->why_not_writable();
  if (!file_->locked() && reason.code() != StatusCode::kNotFound) {
    OnlyRead(reason);
  }
}

// A file that is not there, or empty, is an empty keyring only when it is
// certain that it is a new one.
Status JsonKeyringFile::CheckNew(const JsonImage& main) const {
  const bool missing = main.state == JsonImage::State::kMissing;
  if (!missing && main.state != JsonImage::State::kEmpty) return Status::Ok();
  if (!may_create_) {
    return {StatusCode::kMisconfigured,
            path() +
                " is gone or empty, while its keys are in use; restore it from "
                "a backup"};
  }
  if (!missing) return Status::Ok();
  Result<std::vector<std::string>> names = world_.files.List(Directory());
  if (!names) {
    return {
        StatusCode::kMisconfigured,
        names.error().message() +
            "; the directory of the key file must exist and be readable, or "
            "keys in use would look as if they did not exist"};
  }
  if (std::ranges::find(*names, BaseName(path())) == names->end()) {
    return Status::Ok();
  }
  return {StatusCode::kMisconfigured,
          path() + " is a symbolic link to what is not there"};
}

void JsonKeyringFile::OnlyRead(const Status& reason) {
  why_read_only_ = {StatusCode::kReadOnly,
                    "the keys of " + path() +
                        " can be read but not changed: " + reason.message()};
  file_->GiveUpWriting(why_read_only_);
  world_.log.Write(LogLevel::kWarning, why_read_only_.message());
}

Status JsonKeyringFile::Settle() {
  if (!why_read_only_.ok()) {
    if (fate_ == BackupFate::kRestore) {
      world_.log.Write(
          LogLevel::kWarning,
          "the keys are those of " + BackupPath() +
              ", which a crash left and which is newer than the file");
    }
    return Status::Ok();
  }
  Status status = file_->locked() ? file_->SyncAll() : Status::Ok();
  if (!status.ok() && !IsForGood(status)) return status;
  if (status.ok()) status = TryDirectory();
  if (status.ok()) status = SettleBackup();
  if (!status.ok()) OnlyRead(status);
  if (status.ok()) file_->SweepLeftovers(world_.log);
  backup_ = {};
  return Status::Ok();
}

// Finds out at the start, and not at the first key, that nothing can be
// written. A full disk passes, so it is no reason.
Status JsonKeyringFile::TryDirectory() {
  const std::string probe =
      JoinPath(Directory(), "." + BaseName(path()) + "." +
                                RandomHex(world_.random, 8) + ".tmp");
  auto created = world_.files.Create(probe, 0600);
  if (!created) {
    return IsForGood(created.error()) ? created.error() : Status::Ok();
  }
  return world_.files.Remove(probe);
}

Status JsonKeyringFile::SettleBackup() {
  Status status;
  switch (fate_) {
    case BackupFate::kNone:
      return status;
    case BackupFate::kSetAside:
      status = SetBackupAside();
      break;
    case BackupFate::kRestore:
      status = RestoreBackup();
      [[fallthrough]];
    case BackupFate::kRemove:
      if (status.ok()) status = world_.files.Remove(BackupPath());
      break;
  }
  // As long as it could come back, a change to the file could make it look
  // newer than the file.
  return status.ok() ? world_.files.SyncDirectory(Directory()) : status;
}

Status JsonKeyringFile::RestoreBackup() {
  Status status = CreateIfMissing();
  if (status.ok()) status = CheckUnchanged();
  if (status.ok() && main_is_damaged_) {
    status = file_->PutAside("damaged", content_).status();
  }
  if (status.ok()) status = PutInPlace(std::move(backup_.content), document_);
  if (!status.ok()) return status;
  world_.log.Write(LogLevel::kWarning,
                   path() + " was restored from the newer " + BackupPath() +
                       ", which a crash had left");
  return status;
}

Status JsonKeyringFile::SetBackupAside() {
  const std::string aside =
      BackupPath() + ".ignored-" + RandomHex(world_.random, 8);
  Status status = world_.files.RenameNoReplace(BackupPath(), aside);
  if (!status.ok()) return status;
  world_.log.Write(
      LogLevel::kWarning,
      BackupPath() + ", left by a crash, " +
          (backup_.state == JsonImage::State::kDamaged
               ? "is torn (" + backup_.damage + ")"
               : "lacks keys of " + path() + " or has others in their place") +
          ": it is not used, and kept as " + aside);
  return status;
}

}  // namespace openkeyring
