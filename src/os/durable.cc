// SPDX-License-Identifier: MIT
#include "os/durable.h"

#include <string.h>

#include <algorithm>
#include <memory>

namespace openkeyring {
namespace {

constexpr size_t kTemporaryBytes = 8;
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr size_t kTail = 1 + 2 * kTemporaryBytes + kTemporarySuffix.size();

std::string TemporaryPath(Random& random, const std::string& directory,
                          const std::string& name) {
  return JoinPath(directory, "." + name + "." +
                                 RandomHex(random, kTemporaryBytes) +
                                 std::string(kTemporarySuffix));
}

Status CheckReadBack(WritableFile& file, const std::string& path,
                     ByteView content) {
  Result<Bytes> found = file.ReadBack(0, content.size());
  if (!found) return found.error();
  const bool same = std::ranges::equal(*found, content);
  // It may be plaintext.
  if (!found->empty()) explicit_bzero(found->data(), found->size());
  if (same) return Status::Ok();
  return {StatusCode::kCorrupt,
          path + " does not hold what was just written to it"};
}

Status WriteSynced(FileSystem& files, const std::string& path, ByteView content,
                   mode_t permissions, std::optional<FileOwner> owner,
                   std::unique_ptr<WritableFile>& file) {
  auto created = files.Create(path, permissions);
  if (!created) return created.error();
  file = std::move(*created);
  // Only root may give files away, and only root needs to.
  if (owner) (void)file->SetOwner(*owner);
  Status status = file->Append(content);
  if (status.ok()) status = file->Sync();
  return status;
}

}  // namespace

Status CreateDurably(FileSystem& files, Random& random,
                     const std::string& directory, const std::string& name,
                     ByteView content, mode_t permissions,
                     std::optional<FileOwner> owner) {
  const std::string path = JoinPath(directory, name);
  const std::string temporary = TemporaryPath(random, directory, name);
  // Kept open, and with it locked, until the rename: nobody sweeps it away.
  std::unique_ptr<WritableFile> file;
  Status status =
      WriteSynced(files, temporary, content, permissions, owner, file);
  if (status.ok()) status = CheckReadBack(*file, temporary, content);
  if (status.ok()) status = files.RenameNoReplace(temporary, path);
  if (!status.ok()) {
    if (file != nullptr) (void)files.Remove(temporary);
    return status;
  }
  return files.SyncDirectory(directory.empty() ? "." : directory);
}

Replaced ReplaceDurably(FileSystem& files, Random& random,
                        const std::string& path, ByteView content,
                        mode_t permissions, std::optional<FileOwner> owner) {
  const std::string directory = DirectoryName(path);
  const std::string temporary =
      TemporaryPath(random, directory, BaseName(path));
  Replaced result;
  result.status =
      WriteSynced(files, temporary, content, permissions, owner, result.file);
  if (result.status.ok()) {
    result.status = CheckReadBack(*result.file, temporary, content);
  }
  if (result.status.ok()) result.status = files.Rename(temporary, path);
  if (!result.status.ok()) {
    if (result.file != nullptr) (void)files.Remove(temporary);
    result.file.reset();
    return result;
  }
  result.status = files.SyncDirectory(directory);
  return result;
}

bool IsTemporaryNameOf(std::string_view name, std::string_view own) {
  return name.size() == 1 + own.size() + kTail && IsTemporaryName(name, own);
}

bool IsTemporaryName(std::string_view name, std::string_view prefix) {
  if (name.size() < 1 + prefix.size() + kTail || name[0] != '.') return false;
  if (name.substr(1, prefix.size()) != prefix) return false;
  if (!name.ends_with(kTemporarySuffix)) return false;
  const std::string_view digits = name.substr(name.size() - kTail);
  return digits[0] == '.' &&
         std::ranges::all_of(digits.substr(1, 2 * kTemporaryBytes), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace openkeyring
