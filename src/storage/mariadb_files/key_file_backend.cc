// SPDX-License-Identifier: MIT
#include "storage/mariadb_files/key_file_backend.h"

#include <utility>

#include "os/durable.h"

namespace openkeyring {
namespace {

constexpr mode_t kFileMode = 0440;

// MariaDB takes keys of these sizes only (AES).
bool IsAesKeySize(size_t bytes) {
  return bytes == 16 || bytes == 24 || bytes == 32;
}

}  // namespace

EncryptionContext BindingOf(KeyVersion key) {
  return {{"openkeyring:product", "aws_key_management"},
          {"openkeyring:key-id", std::to_string(key.id)},
          {"openkeyring:key-version", std::to_string(key.version)}};
}

KeyFileBackend::KeyFileBackend(KeyWrapper& wrapper, FileSystem& files,
                               Random& random, Log& log, Options options)
    : wrapper_(wrapper),
      files_(files),
      random_(random),
      log_(log),
      options_(std::move(options)) {}

Status KeyFileBackend::Prepare() {
  auto names = files_.List(DirectoryName());
  if (!names) {
    return {StatusCode::kMisconfigured,
            names.error().message() +
                "; the directory of the key files must exist and be readable, "
                "or keys in use would look as if they did not exist"};
  }
  for (const std::string& name : *names) {
    if (!IsTemporaryName(name, kKeyFilePrefix)) continue;
    const std::string path = JoinPath(options_.directory, name);
    if (files_.RemoveUnlocked(path).ok()) {
      log_.Write(LogLevel::kNote,
                 "removed " + path + ", left unfinished by a crash");
    }
  }
  return Status::Ok();
}

Result<std::vector<KeyVersion>> KeyFileBackend::List() {
  auto names = files_.List(DirectoryName());
  if (!names) return names.error();
  // What is listed will be used, so its directory entry must be durable, also
  // when the server that made it died before it could see to that.
  Status synced = files_.SyncDirectory(DirectoryName());
  if (!synced.ok() && synced.code() != StatusCode::kReadOnly) return synced;
  std::vector<KeyVersion> keys;
  for (const std::string& name : *names) {
    if (const auto key = ParseKeyFileName(name)) keys.push_back(*key);
  }
  return keys;
}

Result<Secret> KeyFileBackend::Fetch(KeyVersion key, const Deadline& deadline) {
  Result<KeyFile> file = ReadAndCheck(key);
  if (!file) return file.error();
  Result<UnwrappedKey> plaintext =
      wrapper_.Unwrap(file->wrapped, file->binding, deadline);
  if (!plaintext) return plaintext.error().WithContext(Describe(key));
  const size_t size = plaintext->key.size();
  if (!IsAesKeySize(size)) {
    return Status(StatusCode::kCorrupt, Describe(key) + " holds " +
                                            std::to_string(size) +
                                            " bytes, which is no AES key");
  }
  return std::move(plaintext->key);
}

Result<KeyFile> KeyFileBackend::ReadAndCheck(KeyVersion key) {
  const Result<Bytes> content =
      files_.Read(JoinPath(options_.directory, KeyFileName(key)), kMaxKeyFile);
  if (!content) return content.error();
  Result<KeyFile> file = ReadKeyFile(*content);
  if (!file) return file.error().WithContext(Describe(key));
  if (!file->bound && options_.bind_policy() == BindPolicy::kRequired) {
    return Status(StatusCode::kDenied,
                  Describe(key) +
                      " is not bound to its key id, and "
                      "aws_key_management_bind_key_id=REQUIRED refuses such "
                      "files; set it to ON, or rotate the key and re-encrypt");
  }
  for (const auto& [name, value] : BindingOf(key)) {
    if (!file->bound) break;
    const auto found = file->binding.find(name);
    if (found == file->binding.end() || found->second != value) {
      return Status(StatusCode::kCorrupt,
                    Describe(key) + " belongs to another key (its " + name +
                        " is \"" +
                        (found == file->binding.end() ? "" : found->second) +
                        "\"): it was renamed or swapped; restore the right "
                        "file from a backup");
    }
  }
  return file;
}

Status KeyFileBackend::Create(KeyVersion key, size_t bytes,
                              const Deadline& deadline) {
  const bool bound = options_.bind_policy() != BindPolicy::kOff;
  const EncryptionContext binding =
      bound ? BindingOf(key) : EncryptionContext();
  Result<WrappedKey> wrapped = wrapper_.Generate(bytes, binding, deadline);
  if (!wrapped) return wrapped.error();
  const Result<Bytes> content =
      bound ? WriteBoundKeyFile(*wrapped, binding) : wrapped->blob;
  if (!content) return content.error();
  Status status = CreateDurably(files_, random_, options_.directory,
                                KeyFileName(key), *content, kFileMode);
  if (status.code() != StatusCode::kAlreadyExists) return status;
  // The winner may not have got as far as this.
  Status synced = files_.SyncDirectory(DirectoryName());
  return synced.ok() ? status : synced;
}

std::string KeyFileBackend::Describe(KeyVersion key) const {
  return "key file " + JoinPath(options_.directory, KeyFileName(key));
}

std::string KeyFileBackend::DirectoryName() const {
  return options_.directory.empty() ? "." : options_.directory;
}

}  // namespace openkeyring
