// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/sealed_note.h"

#include "os/durable.h"
#include "os/empty_directory.h"

namespace openkeyring {
namespace {

constexpr char kText[] = "openkeyring sealed keyring note 1\n";
constexpr mode_t kPermissions = 0640;

}  // namespace

Status CheckMayBeEmpty(FileSystem& files, const std::string& data_directory,
                       const std::string& keyring_path) {
  if (data_directory.empty()) return Status::Ok();
  const std::string note = JoinPath(data_directory, kSealedNote);
  const Result<FileInfo> info = files.Stat(note);
  if (!info && info.error().code() == StatusCode::kNotFound) {
    return Status::Ok();
  }
  return {StatusCode::kCorrupt,
          "keyring file " + keyring_path +
              " is missing or empty, but this server's keyring is a sealed "
              "file (as noted "
              "in " +
              note +
              "), which is never empty: restore it from a backup, or correct "
              "path; to begin a keyring in Percona's format on purpose, remove "
              "the note"};
}

Status NoteSealedFile(FileSystem& files, Random& random,
                      const std::string& data_directory,
                      std::optional<FileOwner> owner) {
  if (data_directory.empty()) return Status::Ok();
  const std::string note = JoinPath(data_directory, kSealedNote);
  if (files.Stat(note) || IsEmptyDirectory(files, data_directory)) {
    return Status::Ok();
  }
  const Status status =
      CreateDurably(files, random, data_directory, kSealedNote,
                    AsBytes(std::string_view(kText)), kPermissions, owner);
  return status.code() == StatusCode::kAlreadyExists ? Status::Ok() : status;
}

}  // namespace openkeyring
