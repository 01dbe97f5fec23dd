// SPDX-License-Identifier: MIT
#include "os/staged_directory.h"

#include <utility>

#include "os/durable.h"

namespace openkeyring {
namespace {

constexpr size_t kTemporaryBytes = 8;

// "a/b/" is "a/b".
std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

Result<std::unique_ptr<StagedDirectory>> StagedDirectory::Begin(
    FileSystem& files, Random& random, const std::string& path,
    mode_t permissions) {
  const std::string final_path = WithoutSlash(path);
  const Result<FileInfo> there = files.Stat(final_path);
  if (there) {
    return Status(StatusCode::kAlreadyExists, final_path + " exists already");
  }
  if (there.error().code() != StatusCode::kNotFound) return there.error();
  const Result<FileInfo> around = files.Stat(DirectoryName(final_path));
  if (!around) return around.error();
  std::unique_ptr<StagedDirectory> staged(
      new StagedDirectory(files, random, final_path, around->owner));
  staged->Sweep();
  const std::string temporary =
      JoinPath(DirectoryName(final_path),
               "." + BaseName(final_path) + "." +
                   RandomHex(random, kTemporaryBytes) + ".tmp");
  Status status = files.MakeDirectory(temporary, permissions);
  if (!status.ok()) return status;
  staged->path_ = temporary;
  (void)files.SetDirectoryOwner(temporary, around->owner);
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
  if (!published_ && !path_.empty()) RemoveAll(path_);
}

Status StagedDirectory::Add(const std::string& name, ByteView content,
                            mode_t permissions) {
  return CreateDurably(files_, random_, path_, name, content, permissions,
                       owner_);
}

Status StagedDirectory::Publish() {
  Status status = files_.SyncDirectory(path_);
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
    if (!IsTemporaryName(name, own) || name[1 + own.size()] != '.') continue;
    const std::string leftover = JoinPath(around, name);
    const Result<FileInfo> info = files_.Stat(leftover);
    if (info && info->is_directory) RemoveAll(leftover);
  }
}

void StagedDirectory::RemoveAll(const std::string& directory) {
  const Result<std::vector<std::string>> names = files_.List(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    (void)files_.Remove(JoinPath(directory, name));
  }
  (void)files_.RemoveDirectory(directory);
}

}  // namespace openkeyring
