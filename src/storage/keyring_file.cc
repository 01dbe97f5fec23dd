// SPDX-License-Identifier: MIT
#include "storage/keyring_file.h"

#include <utility>
#include <vector>

namespace openkeyring {
namespace {

constexpr mode_t kNewFileMode = 0640;
constexpr char kPutBack[] =
    "; nothing was changed. Put the right file there and ";

}  // namespace

KeyringFile::KeyringFile(FileSystem& files, Random& random, std::string path,
                         std::optional<FileOwner> owner, std::string cure)
    : files_(files),
      random_(random),
      path_(std::move(path)),
      owner_(owner),
      cure_(std::move(cure)),
      why_not_writable_(StatusCode::kNotFound, path_ + " is not open") {}

void KeyringFile::Acquire() {
  if (file_ != nullptr) {
    const Result<bool> there = file_->IsAt(path_);
    if (there && *there) return;
    file_.reset();
  }
  Result<std::unique_ptr<WritableFile>> opened = files_.OpenLocked(path_);
  if (!opened) return GiveUpWriting(opened.error());
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
    const StatusCode code = why_not_writable_.code();
    const bool about_keys =
        code == StatusCode::kNotFound || code == StatusCode::kAlreadyExists;
    return {about_keys ? StatusCode::kReadOnly : code,
            why_not_writable_.message()};
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
  const Result<FileInfo> old = files_.Stat(path_);
  if (!old) return old.error();
  Replaced result = ReplaceDurably(files_, random_, path_, content,
                                   old->permissions, old->owner);
  if (result.file == nullptr) return result.status;
  file_ = std::move(result.file);
  replaced = true;
  ++epoch_;
  return result.status;
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
  const std::string name =
      BaseName(path_) + "." + label + "-" + RandomHex(random_, 8);
  Status status = CreateDurably(files_, random_, DirectoryName(path_), name,
                                bytes, kNewFileMode, owner_);
  if (!status.ok()) return status;
  return JoinPath(DirectoryName(path_), name);
}

void KeyringFile::SweepLeftovers(Log& log) {
  const std::string directory = DirectoryName(path_), own = BaseName(path_);
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
  return status.ok() ? files_.SyncDirectory(DirectoryName(path_)) : status;
}

}  // namespace openkeyring
