// SPDX-License-Identifier: MIT
#include "storage/key_directory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "os/durable.h"
#include "storage/key_names.h"

namespace openkeyring {
namespace {

constexpr mode_t kFileMode = 0440;

}  // namespace

KeyDirectory::KeyDirectory(FileSystem& files, Random& random, Log& log,
                           Options options)
    : files_(files), random_(random), log_(log), options_(std::move(options)) {}

std::string KeyDirectory::name() const {
  return options_.directory.empty() ? "." : options_.directory;
}

std::string KeyDirectory::PathOf(const std::string& name) const {
  return JoinPath(options_.directory, name);
}

// ---- At start --------------------------------------------------------------

Status KeyDirectory::Prepare() {
  Status status = RemoveLeftovers();
  return status.ok() ? CheckIncrement() : status;
}

Status KeyDirectory::RemoveLeftovers() {
  const auto names = files_.List(name());
  if (!names) {
    return {StatusCode::kMisconfigured,
            names.error().message() +
                "; the directory of the key files must exist and be readable, "
                "or keys in use would look as if they did not exist"};
  }
  if (options_.read_only) return Status::Ok();
  for (const std::string& name : *names) {
    if (!IsTemporaryName(name, kFamilyPrefix)) continue;
    if (files_.RemoveUnlocked(PathOf(name)).ok()) {
      log_.Write(LogLevel::kNote,
                 "removed " + PathOf(name) + ", left unfinished by a crash");
    }
  }
  return Status::Ok();
}

// Files are never changed, so two of one name with different content belong to
// different histories, and one of them would replace the other for good.
Status KeyDirectory::CheckIncrement() {
  if (options_.increment.empty()) return Status::Ok();
  const auto names = files_.List(options_.increment);
  if (!names) {
    return {StatusCode::kMisconfigured,
            names.error().message() +
                "; the incremental backup's key files "
                "cannot be read"};
  }
  for (const std::string& name : *names) {
    if (!ParseKeyFileName(name) && name != kInstallationFileName) continue;
    const auto ours = files_.Read(PathOf(name), kMaxKeyFile);
    if (ours.status().code() == StatusCode::kNotFound) continue;
    const std::string path = JoinPath(options_.increment, name);
    const auto theirs = files_.Read(path, kMaxKeyFile);
    if (!ours) return ours.error();
    if (!theirs) return theirs.error();
    if (*ours == *theirs) continue;
    return {StatusCode::kMisconfigured,
            PathOf(name) + " and " + path +
                " differ, so that the incremental backup does not belong to "
                "this full backup; nothing was changed"};
  }
  return Status::Ok();
}

// ---- Lists -----------------------------------------------------------------

Result<std::vector<std::string>> KeyDirectory::ListNames() {
  auto names = files_.List(name());
  if (!names) return names.error();
  // What is listed will be used, so its directory entry must be durable, also
  // when the server that made it died before it could see to that.
  if (!options_.read_only) {
    Status synced = files_.SyncDirectory(name());
    if (!synced.ok() && synced.code() != StatusCode::kReadOnly) return synced;
  }
  if (!options_.increment.empty()) {
    auto more = files_.List(options_.increment);
    if (!more) return more.error();
    names->insert(names->end(), more->begin(), more->end());
  }
  return names;
}

Result<KeyDirectory::Content> KeyDirectory::Look() {
  const auto names = ListNames();
  if (!names) return names.error();
  Content content;
  for (const std::string& name : *names) {
    if (const auto key = ParseKeyFileName(name)) content.files.insert(*key);
    if (const auto key = ParseVersionMarkName(name)) {
      uint32_t& highest = content.marked[key->id];
      highest = std::max(highest, key->version);
    }
    if (name == kKeySetFileName) content.has_key_set = true;
    if (name == kKeySetMarkName) content.has_key_set_mark = true;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [id, version] : content.marked) {
    uint32_t& highest = marks_[id];
    highest = std::max(highest, version);
  }
  content.marked = marks_;
  return content;
}

Result<std::vector<KeyVersion>> KeyDirectory::ListFiles() {
  const Result<Content> content = Look();
  if (!content) return content.error();
  return std::vector<KeyVersion>(content->files.begin(), content->files.end());
}

Result<std::vector<KeyVersion>> KeyDirectory::ListMade() {
  Result<Content> content = Look();
  if (!content) return content.error();
  std::set<KeyVersion>& keys = content->files;
  for (const auto& [id, version] : content->marked) keys.insert({id, version});
  return std::vector<KeyVersion>(keys.begin(), keys.end());
}

// ---- Files -----------------------------------------------------------------

Result<Bytes> KeyDirectory::Read(const std::string& name) {
  Result<Bytes> content = files_.Read(PathOf(name), kMaxKeyFile);
  if (content.status().code() != StatusCode::kNotFound ||
      options_.increment.empty()) {
    return content;
  }
  return files_.Read(JoinPath(options_.increment, name), kMaxKeyFile);
}

Status KeyDirectory::Create(const std::string& name, const Bytes& content) {
  if (options_.read_only) {
    return {StatusCode::kReadOnly, "this program makes no " + PathOf(name)};
  }
  Status status = CreateDurably(files_, random_, options_.directory, name,
                                content, kFileMode);
  if (status.code() != StatusCode::kAlreadyExists) return status;
  // The winner may not have got as far as this.
  Status synced = files_.SyncDirectory(this->name());
  return synced.ok() ? status : synced;
}

Status KeyDirectory::Mark(KeyVersion key) {
  uint32_t before = 0;
  {
    const std::lock_guard lock(mutex_);
    before = marks_[key.id];
  }
  if (before >= key.version || options_.read_only) return Status::Ok();
  Status status = CreateMark(VersionMarkName(key));
  if (!status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    uint32_t& highest = marks_[key.id];
    highest = std::max(highest, key.version);
  }
  // Only the highest mark counts.
  if (before != 0)
    (void)files_.Remove(PathOf(VersionMarkName({key.id, before})));
  return Status::Ok();
}

Status KeyDirectory::MarkKeySet() {
  if (options_.read_only) return Status::Ok();
  return CreateMark(std::string(kKeySetMarkName));
}

Status KeyDirectory::CreateMark(const std::string& name) {
  const auto made = files_.Create(PathOf(name), kFileMode);
  if (!made && made.status().code() != StatusCode::kAlreadyExists) {
    return made.error();
  }
  return files_.SyncDirectory(this->name());
}

}  // namespace openkeyring
