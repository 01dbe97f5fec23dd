// SPDX-License-Identifier: MIT
#include "storage/percona/json_keyring_file.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

Status Changed(const std::string& path) {
  return {StatusCode::kCorrupt,
          path +
              " was changed by somebody else since the keyring was loaded; "
              "nothing was changed. Put the right file there and run ALTER "
              "INSTANCE RELOAD KEYRING"};
}

// Refusals that come from what the file system is, not from its state now.
bool IsPermanent(const Status& status) {
  return status.code() == StatusCode::kDenied ||
         status.code() == StatusCode::kReadOnly;
}

}  // namespace

JsonKeyringFile::JsonKeyringFile(const FileBackendDependencies& dependencies,
                                 std::shared_ptr<KeyringFile> file,
                                 bool read_only, bool may_create)
    : dependencies_(dependencies),
      file_(std::move(file)),
      read_only_(read_only),
      may_create_(may_create) {}

Status JsonKeyringFile::Open() {
  Lock();
  Result<JsonImage> main = ReadJsonImage(dependencies_.files, path());
  if (!main) return main.error();
  if (main->state != JsonImage::State::kMissing && !file_->locked() &&
      why_read_only_.ok()) {
    return Open();  // Somebody has just made it.
  }
  Result<JsonImage> backup = ReadJsonImage(dependencies_.files, BackupPath());
  if (!backup) {
    return backup.error().WithContext(
        "cannot tell whether a backup that a crash left is newer than the "
        "file");
  }
  Result<BackupAction> action = DecideOnBackup(*main, *backup);
  if (!action) return action.error().WithContext(path());
  backup_action_ = *action;
  Status status;
  if (backup_action_ != BackupAction::kRestore) status = CheckNew(*main);
  if (!status.ok()) return status;
  main_is_damaged_ = main->state == JsonImage::State::kDamaged;
  document_ = backup_action_ == BackupAction::kRestore ? backup->document
                                                       : main->document;
  content_ = std::move(main->content);
  backup_ = std::move(*backup);
  return status;
}

void JsonKeyringFile::Lock() {
  if (read_only_) {
    why_read_only_ = {StatusCode::kReadOnly,
                      "the keys of " + path() +
                          " cannot be changed: read_only is set in the "
                          "configuration"};
    return;
  }
  file_->Acquire();
  epoch_ = file_->epoch();
  const Status reason = file_->why_not_writable();
  if (!file_->locked() && reason.code() != StatusCode::kNotFound) {
    GiveUpWriting(reason);
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
                " is missing or empty, while keys are in use; restore it from "
                "a backup, or correct the option path"};
  }
  if (!missing) {
    WarnOfEmpty(
        " is empty: the keyring has no keys, and the file stays in "
        "Percona's format");
    return Status::Ok();
  }
  Result<std::vector<std::string>> names =
      dependencies_.files.List(Directory());
  if (!names) {
    return {
        StatusCode::kMisconfigured,
        names.error().message() +
            "; the directory of the key file must exist and be readable, or "
            "keys in use would look as if they did not exist"};
  }
  if (std::ranges::find(*names, BaseName(path())) == names->end()) {
    WarnOfEmpty(" does not exist: the keyring is new and empty");
    return Status::Ok();
  }
  return {StatusCode::kMisconfigured,
          path() + " is a symbolic link to a file that does not exist"};
}

void JsonKeyringFile::WarnOfEmpty(const char* what) const {
  dependencies_.log.Write(LogLevel::kWarning, path() + what);
}

void JsonKeyringFile::GiveUpWriting(const Status& reason) {
  why_read_only_ = {StatusCode::kReadOnly,
                    "the keys of " + path() +
                        " can be read but not changed: " + reason.message()};
  file_->GiveUpWriting(why_read_only_);
  dependencies_.log.Write(LogLevel::kWarning, why_read_only_.message());
}

Status JsonKeyringFile::PrepareToWrite() {
  if (!why_read_only_.ok()) {
    if (backup_action_ == BackupAction::kRestore) {
      dependencies_.log.Write(
          LogLevel::kWarning,
          "the keys are those of " + BackupPath() +
              ", which a crash left and which is newer than the file");
    }
    return Status::Ok();
  }
  Status status = file_->locked() ? file_->SyncAll() : Status::Ok();
  if (!status.ok() && !IsPermanent(status)) return status;
  if (status.ok()) status = ProbeDirectory();
  if (status.ok()) status = ApplyBackupAction();
  if (!status.ok()) GiveUpWriting(status);
  if (status.ok()) file_->SweepLeftovers(dependencies_.log);
  backup_ = {};
  return Status::Ok();
}

// Finds out at the start, and not at the first key, that nothing can be
// written. A full disk passes, so it does not count.
Status JsonKeyringFile::ProbeDirectory() {
  const std::string probe =
      JoinPath(DirectoryName(file_->target()),
               "." + BaseName(path()) + "." +
                   RandomHex(dependencies_.random, 8) + ".tmp");
  auto created = dependencies_.files.Create(probe, 0600);
  if (!created) {
    return IsPermanent(created.error()) ? created.error() : Status::Ok();
  }
  return dependencies_.files.Remove(probe);
}

Status JsonKeyringFile::ApplyBackupAction() {
  Status status;
  switch (backup_action_) {
    case BackupAction::kNothing:
      return status;
    case BackupAction::kSetAside:
      status = SetBackupAside(dependencies_, BackupPath(), backup_);
      break;
    case BackupAction::kRestore:
      status = RestoreBackup();
      [[fallthrough]];
    case BackupAction::kRemove:
      if (status.ok()) status = dependencies_.files.Remove(BackupPath());
      break;
  }
  // As long as it could come back, a change to the file could make it look
  // newer than the file.
  return status.ok() ? dependencies_.files.SyncDirectory(Directory()) : status;
}

Status JsonKeyringFile::RestoreBackup() {
  Status status = CreateIfMissing();
  if (status.ok()) status = CheckUnchanged();
  if (status.ok() && main_is_damaged_) {
    status = file_->PutAside("damaged", content_).status();
  }
  if (status.ok()) status = PutInPlace(std::move(backup_.content), document_);
  if (!status.ok()) return status;
  dependencies_.log.Write(LogLevel::kWarning,
                          path() + " was restored from the newer " +
                              BackupPath() + ", which a crash had left");
  return status;
}

Status JsonKeyringFile::Replace(JsonKeyring next) {
  if (!why_read_only_.ok()) return why_read_only_;
  Result<Bytes> content = next.Write();
  if (!content) return content.error().WithContext(path());
  Status status = CreateIfMissing();
  if (status.ok()) status = CheckUnchanged();
  if (!status.ok()) return status;
  return PutInPlace(std::move(*content), std::move(next));
}

Status JsonKeyringFile::ReplaceKeepingOld(JsonKeyring next) {
  if (!why_read_only_.ok()) return why_read_only_;
  const Bytes before = content_;
  Status status = CheckUnchanged();
  if (!status.ok()) return status;
  Result<std::string> old = file_->PutAside("rewrapped", before);
  if (!old) return old.error();
  status = Replace(std::move(next));
  if (status.ok()) status = CheckUnchanged();
  if (!status.ok()) {
    if (content_ == before) (void)dependencies_.files.Remove(*old);
    return status;
  }
  status = dependencies_.files.Remove(*old);
  if (status.ok()) {
    status = dependencies_.files.SyncDirectory(DirectoryName(*old));
  }
  if (!status.ok()) {
    dependencies_.log.Write(
        LogLevel::kWarning,
        "a copy of the file as it was before may be left as " + *old + ": " +
            status.message());
  }
  return Status::Ok();
}

// An empty file is a whole one, and it is locked: who comes second finds it
// taken.
Status JsonKeyringFile::CreateIfMissing() {
  if (file_->locked()) return Status::Ok();
  Status status = file_->Create({});
  if (status.code() == StatusCode::kAlreadyExists) return Changed(path());
  if (!status.ok()) return status;
  file_->Acquire();
  epoch_ = file_->epoch();
  // Locked by somebody else already; that is not the key which is there.
  return file_->locked() ? status : Changed(path());
}

Status JsonKeyringFile::CheckUnchanged() const {
  Status status = file_->CheckUnchanged(epoch_, content_.size());
  if (!status.ok()) return status;
  // The components that this format comes from write in place, without a lock.
  const Result<Bytes> now = file_->file().ReadBack(0, content_.size());
  if (!now) return now.error();
  return *now == content_ ? Status::Ok() : Changed(path());
}

Status JsonKeyringFile::PutInPlace(Bytes content, JsonKeyring document) {
  bool replaced = false;
  Status status = file_->ReplaceOrRestore(content, content_, replaced);
  epoch_ = file_->epoch();
  if (!replaced) return status;
  content_ = std::move(content);
  document_ = std::move(document);
  return status;
}

}  // namespace openkeyring
