// SPDX-License-Identifier: MIT
#include "emulators/kms/key_store.h"

#include "os/durable.h"

namespace kms_emulator {
namespace {

using openkeyring::AsBytes;

constexpr size_t kMaxStateFile = 64 << 20;
constexpr mode_t kOwnerOnly = 0600;

std::string DirectoryName(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string NameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// Removes what a kill in the middle of a write left behind.
void Sweep(openkeyring::FileSystem& files, const std::string& path) {
  const auto names = files.List(DirectoryName(path));
  if (!names) return;
  for (const std::string& name : *names) {
    if (!openkeyring::IsTemporaryName(name, NameOf(path))) continue;
    (void)files.RemoveUnlocked(
        openkeyring::JoinPath(DirectoryName(path), name));
  }
}

Status WriteNew(openkeyring::FileSystem& files, const std::string& path,
                std::string_view content, mode_t permissions) {
  auto file = files.Create(path, permissions);
  if (!file) return file.error();
  const Status status = (*file)->Append(AsBytes(content));
  return status.ok() ? (*file)->Sync() : status;
}

}  // namespace

Status ReplaceFile(openkeyring::FileSystem& files, openkeyring::Random& random,
                   const std::string& path, std::string_view content,
                   mode_t permissions) {
  const std::string directory = DirectoryName(path);
  const std::string temporary = openkeyring::JoinPath(
      directory,
      "." + NameOf(path) + "." + openkeyring::RandomHex(random, 8) + ".tmp");
  Status status = WriteNew(files, temporary, content, permissions);
  if (status.ok()) status = files.Rename(temporary, path);
  if (!status.ok()) {
    (void)files.Remove(temporary);
    return status;
  }
  return files.SyncDirectory(directory);
}

Result<std::unique_ptr<KeyStore>> KeyStore::Open(openkeyring::FileSystem& files,
                                                 openkeyring::Random& random,
                                                 const std::string& path,
                                                 const std::string& account) {
  std::unique_ptr<KeyStore> store(new KeyStore(files, random, path));
  const Status status = store->Load(account);
  if (!status.ok()) return status.WithContext("state file " + path);
  return store;
}

Status KeyStore::Load(const std::string& account) {
  state_.account = account;
  if (path_.empty()) return Status::Ok();
  Sweep(files_, path_);
  const auto content = files_.Read(path_, kMaxStateFile);
  if (!content) {
    const bool is_new = content.error().code() == StatusCode::kNotFound;
    return is_new ? Status::Ok() : content.error();
  }
  const Json json = Json::parse(openkeyring::AsText(*content), nullptr, false);
  Result<State> state = StateFromJson(json);
  if (!state) return state.error();
  state_ = std::move(*state);
  return Status::Ok();
}

Status KeyStore::Save(const std::string& image, uint64_t sequence) {
  if (path_.empty()) return Status::Ok();
  std::lock_guard lock(file_mutex_);
  if (sequence <= saved_) return Status::Ok();
  const Status status = ReplaceFile(files_, random_, path_, image, kOwnerOnly);
  if (status.ok()) saved_ = sequence;
  return status;
}

}  // namespace kms_emulator
