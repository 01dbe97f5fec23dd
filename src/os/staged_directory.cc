// SPDX-License-Identifier: MIT
#include "os/staged_directory.h"

#include <utility>

#include "os/durable.h"

namespace openkeyring {
namespace {

constexpr size_t kTemporaryBytes = 8;
constexpr mode_t kPrivate = 0700;

// "a/b/" is "a/b".
std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

Result<std::unique_ptr<StagedDirectory>> StagedDirectory::Begin(
    FileSystem& files, Random& random, const std::string& path,
    mode_t permissions, std::optional<FileOwner> owner) {
  const std::string final_path = WithoutSlash(path);
  const Result<FileInfo> there = files.Stat(final_path);
  if (there) {
    return Status(StatusCode::kAlreadyExists, final_path + " exists already");
  }
  if (there.error().code() != StatusCode::kNotFound) return there.error();
  const Result<FileInfo> around = files.Stat(DirectoryName(final_path));
  if (!around) return around.error();
  std::unique_ptr<StagedDirectory> staged(new StagedDirectory(
      files, random, final_path, owner.value_or(around->owner)));
  staged->Sweep();
  Status status = staged->Make(permissions);
  if (!status.ok()) return status;
  return staged;
}

StagedDirectory::StagedDirectory(FileSystem& files, Random& random,
                                 std::string final_path,
                                 std::optional<FileOwner> owner)
    : files_(files),
      random_(random),
      final_path_(std::move(final_path)),
      owner_(owner) {}

StagedDirectory::~StagedDirectory() {
  if (published_ || path_.empty()) return;
  if (directory_ != nullptr) RemoveAll(*directory_, path_);
  (void)files_.RemoveDirectory(path_);
}

// Somebody who cannot write to it must not open it before its owner is set.
Status StagedDirectory::Make(mode_t permissions) {
  const std::string temporary =
      JoinPath(DirectoryName(final_path_),
               "." + BaseName(final_path_) + "." +
                   RandomHex(random_, kTemporaryBytes) + ".tmp");
  Status status = files_.MakeDirectory(temporary, kPrivate);
  if (!status.ok()) return status;
  path_ = temporary;
  auto opened = LockedDirectory::Open(temporary);
  if (!opened) return opened.error();
  directory_ = std::move(*opened);
  if (owner_) (void)directory_->SetOwner(*owner_);
  return directory_->SetPermissions(permissions);
}

Status StagedDirectory::Add(const std::string& name, ByteView content,
                            mode_t permissions) {
  const std::string open = directory_->path();
  Status status =
      CreateDurably(files_, random_, open, name, content, permissions, owner_);
  if (status.ok()) return status;
  std::string message = status.message();
  const size_t at = message.find(open);
  if (at != std::string::npos) message.replace(at, open.size(), path_);
  const Status told(status.code(), message);
  return status.is_of_files() ? told.OfFiles() : told;
}

Status StagedDirectory::Publish() {
  Status status = files_.SyncDirectory(directory_->path());
  if (status.ok()) status = files_.RenameNoReplace(path_, final_path_);
  if (!status.ok()) return status;
  published_ = true;
  path_ = final_path_;
  return files_.SyncDirectory(DirectoryName(final_path_));
}

void StagedDirectory::Sweep() {
  const std::string around = DirectoryName(final_path_);
  const std::string own = BaseName(final_path_);
  const Result<std::vector<std::string>> names = files_.List(around);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!IsTemporaryNameOf(name, own)) continue;
    const std::string path = JoinPath(around, name);
    const auto leftover = LockedDirectory::Open(path);
    if (leftover && MayRemove(**leftover)) RemoveAll(**leftover, path);
  }
}

bool StagedDirectory::MayRemove(const LockedDirectory& leftover) const {
  return leftover.IsOurs() || (owner_ && leftover.owner().user == owner_->user);
}

// What is a directory itself stays, and so does what has it.
void StagedDirectory::RemoveAll(const LockedDirectory& directory,
                                const std::string& path) {
  const Result<std::vector<std::string>> names = files_.List(directory.path());
  if (!names) return;
  for (const std::string& name : *names) {
    (void)files_.Remove(JoinPath(directory.path(), name));
  }
  (void)files_.RemoveDirectory(path);
}

}  // namespace openkeyring
