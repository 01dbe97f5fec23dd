// SPDX-License-Identifier: MIT
#include "os/durable.h"

#include <algorithm>
#include <memory>

namespace openkeyring {
namespace {

constexpr size_t kTemporaryBytes = 8;
constexpr std::string_view kTemporarySuffix = ".tmp";

Status WriteSynced(FileSystem& files, const std::string& path, ByteView content,
                   mode_t permissions, std::unique_ptr<WritableFile>& file) {
  auto created = files.Create(path, permissions);
  if (!created) return created.error();
  file = std::move(*created);
  Status status = file->Append(content);
  if (status.ok()) status = file->Sync();
  return status;
}

}  // namespace

Status CreateDurably(FileSystem& files, Random& random,
                     const std::string& folder, const std::string& name,
                     ByteView content, mode_t permissions) {
  const std::string path = JoinPath(folder, name);
  const std::string temporary =
      JoinPath(folder, "." + name + "." + RandomHex(random, kTemporaryBytes) +
                           std::string(kTemporarySuffix));
  // Kept open, and with it locked, until the rename: nobody sweeps it away.
  std::unique_ptr<WritableFile> file;
  Status status = WriteSynced(files, temporary, content, permissions, file);
  if (status.ok()) status = files.RenameNoReplace(temporary, path);
  if (!status.ok()) {
    if (file != nullptr) (void)files.Remove(temporary);
    return status;
  }
  return files.SyncFolder(folder.empty() ? "." : folder);
}

bool IsTemporaryName(std::string_view name, std::string_view prefix) {
  const size_t tail = 1 + 2 * kTemporaryBytes + kTemporarySuffix.size();
  if (name.size() < 1 + prefix.size() + tail || name[0] != '.') return false;
  if (name.substr(1, prefix.size()) != prefix) return false;
  if (!name.ends_with(kTemporarySuffix)) return false;
  const std::string_view digits = name.substr(name.size() - tail);
  return digits[0] == '.' &&
         std::ranges::all_of(digits.substr(1, 2 * kTemporaryBytes), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace openkeyring
