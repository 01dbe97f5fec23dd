// SPDX-License-Identifier: MIT
#include "storage/keyring_file.h"

#include <utility>
#include <vector>

namespace openkeyring {
namespace {

constexpr mode_t kNewFileMode = 0640;
constexpr char kPutBack[] =
    "; nothing was changed. Put the right file there and ";

bool IsAboutKeys(const Status& status) {
  return status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kAlreadyExists;
}

}  // namespace

Status NotAboutKeys(const Status& status) {
  return IsAboutKeys(status)
             ? Status(StatusCode::kUnavailable, status.message())
             : status;
}

KeyringFile::KeyringFile(FileSystem& files, Random& random, std::string path,
                         std::optional<FileOwner> owner, std::string cure)
    : files_(files),
      random_(random),
      path_(std::move(path)),
      target_(path_),
      owner_(owner),
      cure_(std::move(cure)),
      why_not_writable_(StatusCode::kNotFound, path_ + " is not open") {}

void KeyringFile::Acquire() {
  if (file_ != nullptr) {
    const Result<bool> there = file_->IsAt(path_);
    if (there && *there) return;
    file_.reset();
  }
  const Result<std::string> target = files_.ResolveLink(path_);
  if (!target) return GiveUpWriting(target.error());
  Result<std::unique_ptr<WritableFile>> opened = files_.OpenLocked(*target);
  if (!opened) return GiveUpWriting(opened.error());
  target_ = *target;
  file_ = std::move(*opened);
  ++epoch_;
  why_not_writable_ = Status::Ok();
}

void KeyringFile::GiveUpWriting(Status reason) {
  file_.reset();
  why_not_writable_ = std::move(reason);
}

Status KeyringFile::CheckOurs(uint64_t epoch) {
  if (file_ == nullptr) {
    return IsAboutKeys(why_not_writable_)
               ? Status(StatusCode::kReadOnly, why_not_writable_.message())
               : why_not_writable_;
  }
  const Result<bool> there = file_->IsAt(path_);
  if (!there) return there.error();
  if (!*there) {
    return {StatusCode::kCorrupt,
            path_ + " was replaced or removed since the keyring was loaded" +
                kPutBack + cure_};
  }
  return epoch == epoch_ ? Status::Ok() : Changed();
}

Status KeyringFile::CheckUnchanged(uint64_t epoch, uint64_t size) {
  Status status = CheckOurs(epoch);
  if (!status.ok()) return status;
  const Result<uint64_t> now = file_->Size();
  if (!now) return now.error();
  return *now == size ? status : Changed();
}

Status KeyringFile::Changed() const {
  return {StatusCode::kCorrupt,
          path_ + " was changed by somebody else since the keyring was loaded" +
              kPutBack + cure_};
}

Status KeyringFile::Create(ByteView content) {
  return CreateDurably(files_, random_, DirectoryName(path_), BaseName(path_),
                       content, kNewFileMode, owner_);
}

Status KeyringFile::Replace(ByteView content, bool& replaced) {
  replaced = false;
  Status status = CheckOurs(epoch_);
  if (!status.ok()) return status;
  const Result<FileInfo> old = files_.Stat(target_);
  if (!old) return old.error();
  Replaced result = ReplaceDurably(files_, random_, target_, content,
                                   old->permissions, old->owner);
  if (result.file == nullptr) return result.status;
  file_ = std::move(result.file);
  replaced = true;
  ++epoch_;
  // Whoever made the path lead elsewhere meanwhile does not see this content.
  return result.status.ok() ? CheckOurs(epoch_) : result.status;
}

Status KeyringFile::ReplaceOrRestore(ByteView content, ByteView old,
                                     bool& replaced) {
  Status status = Replace(content, replaced);
  if (status.ok() || !replaced) return status;
  bool restored = false;
  (void)Replace(old, restored);
  replaced = !restored;
  return status;
}

Result<std::string> KeyringFile::PutAside(const std::string& label,
                                          ByteView bytes) {
  const std::string directory = DirectoryName(target_);
  const std::string name =
      BaseName(target_) + "." + label + "-" + RandomHex(random_, 8);
  const Result<FileInfo> info = files_.Stat(target_);
  if (!info) return info.error();
  Status status = CreateDurably(files_, random_, directory, name, bytes,
                                kNewFileMode & info->permissions, info->owner);
  if (!status.ok()) return status;
  return JoinPath(directory, name);
}

void KeyringFile::SweepLeftovers(Log& log) {
  const std::string directory = DirectoryName(target_);
  const std::string own = BaseName(target_);
  const Result<std::vector<std::string>> names = files_.List(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!IsTemporaryName(name, own) || name[1 + own.size()] != '.') continue;
    const std::string leftover = JoinPath(directory, name);
    if (files_.RemoveUnlocked(leftover).ok()) {
      log.Write(LogLevel::kNote,
                "removed " + leftover + ", left unfinished by a crash");
    }
  }
}

Status KeyringFile::SyncAll() {
  Status status = file_->Sync();
  return status.ok() ? files_.SyncDirectory(DirectoryName(target_)) : status;
}

}  // namespace openkeyring
