// SPDX-License-Identifier: MIT
#include "testing/crash_file_system.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

Status NoSuch(const std::string& path) {
  return {StatusCode::kNotFound, "cannot open " + path + ": no such file"};
}

}  // namespace

class CrashFileSystem::File : public WritableFile {
 public:
  File(CrashFileSystem& files, std::shared_ptr<Inode> inode)
      : files_(files), inode_(std::move(inode)) {}
  ~File() override {
    std::lock_guard lock(files_.mutex_);
    inode_->locked = false;
  }
  Status Append(ByteView bytes) override {
    std::lock_guard lock(files_.mutex_);
    Status status = files_.Step();
    if (!status.ok()) bytes = bytes.first(files_.TornPart(bytes.size()));
    inode_->content.insert(inode_->content.end(), bytes.begin(), bytes.end());
    inode_->unsynced.push_back(inode_->content);
    return status;
  }
  Status Sync() override {
    std::lock_guard lock(files_.mutex_);
    Status status = files_.Step();
    if (status.ok()) {
      inode_->durable = inode_->content;
      inode_->unsynced.clear();
    }
    return status;
  }
  Result<Bytes> ReadBack(uint64_t offset, size_t size) override {
    std::lock_guard lock(files_.mutex_);
    if (offset + size > inode_->content.size()) {
      return Status(StatusCode::kCorrupt, "the file ends too early");
    }
    const auto from = inode_->content.begin() + static_cast<ptrdiff_t>(offset);
    return Bytes(from, from + static_cast<ptrdiff_t>(size));
  }
  Result<uint64_t> Size() override {
    std::lock_guard lock(files_.mutex_);
    return inode_->content.size();
  }
  Status Truncate(uint64_t size) override {
    std::lock_guard lock(files_.mutex_);
    Status status = files_.Step();
    if (status.ok()) {
      inode_->content.resize(size);
      inode_->unsynced.push_back(inode_->content);
    }
    return status;
  }
  Status SetOwner(FileOwner owner) override {
    std::lock_guard lock(files_.mutex_);
    inode_->owner = owner;
    return Status::Ok();
  }
  Result<bool> IsAt(const std::string& path) override {
    std::lock_guard lock(files_.mutex_);
    const auto found = files_.names_.find(path);
    return found != files_.names_.end() && found->second == inode_;
  }

 private:
  CrashFileSystem& files_;
  std::shared_ptr<Inode> inode_;
};

void CrashFileSystem::FailAfter(size_t steps) {
  std::lock_guard lock(mutex_);
  steps_left_ = steps;
}

size_t CrashFileSystem::steps() const {
  std::lock_guard lock(mutex_);
  return steps_;
}

void CrashFileSystem::TearAppends(bool tear) {
  std::lock_guard lock(mutex_);
  torn_appends_ = tear;
}

void CrashFileSystem::FailWith(std::optional<Status> status) {
  std::lock_guard lock(mutex_);
  fail_with_ = std::move(status);
}

Status CrashFileSystem::Step() {
  if (fail_with_) return *fail_with_;
  if (steps_left_) {
    if (*steps_left_ == 0) return {StatusCode::kUnavailable, "crashed"};
    --*steps_left_;
  }
  ++steps_;
  return Status::Ok();
}

size_t CrashFileSystem::TornPart(size_t size) {
  if (!torn_appends_) return 0;
  // A process dies once; a disk may be full for long.
  if (!fail_with_) torn_appends_ = false;
  return size / 2;
}

void CrashFileSystem::Crash(bool lucky) {
  std::lock_guard lock(mutex_);
  if (!lucky) names_ = durable_names_;
  for (auto& [name, inode] : names_) {
    if (!lucky) inode->content = inode->durable;
  }
  Restart();
}

void CrashFileSystem::CrashPartially(std::mt19937_64& random,
                                     size_t block_size) {
  const std::lock_guard lock(mutex_);
  names_ = durable_names_;
  for (const Entry& entry : unsynced_names_) {
    if (random() % 2 == 0) continue;
    if (!entry.from.empty()) names_.erase(entry.from);
    if (entry.inode != nullptr) {
      names_[entry.name] = entry.inode;
    } else {
      names_.erase(entry.name);
    }
  }
  for (auto& [name, inode] : names_) {
    SurvivePartially(*inode, random, block_size);
  }
  Restart();
}

void CrashFileSystem::SurvivePartially(Inode& inode, std::mt19937_64& random,
                                       size_t block_size) {
  std::vector<Bytes> states = std::move(inode.unsynced);
  states.push_back(inode.durable);
  const auto any = [&]() -> const Bytes& {
    return states[random() % states.size()];
  };
  Bytes survived(any().size());
  for (size_t at = 0; at < survived.size(); at += block_size) {
    const Bytes& state = any();
    const size_t end =
        std::min({at + block_size, survived.size(), state.size()});
    if (at >= end) continue;
    std::copy(state.begin() + static_cast<ptrdiff_t>(at),
              state.begin() + static_cast<ptrdiff_t>(end),
              survived.begin() + static_cast<ptrdiff_t>(at));
  }
  inode.content = std::move(survived);
}

void CrashFileSystem::Restart() {
  for (auto& [name, inode] : names_) {
    inode->durable = inode->content;
    inode->unsynced.clear();
    inode->locked = false;
  }
  durable_names_ = names_;
  unsynced_names_.clear();
  steps_left_.reset();
  fail_with_.reset();
}

Result<Bytes> CrashFileSystem::Read(const std::string& path, size_t max_size) {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return NoSuch(path);
  if (found->second->content.size() > max_size) {
    return Status(StatusCode::kCorrupt, path + " is too large");
  }
  return found->second->content;
}

Result<Secret> CrashFileSystem::ReadSecret(const std::string& path,
                                           size_t max_size) {
  const Result<Bytes> content = Read(path, max_size);
  if (!content) return content.error();
  return Secret::CopyOf(ByteView(*content));
}

Result<std::vector<std::string>> CrashFileSystem::List(const std::string&) {
  return Names();
}

Result<FileInfo> CrashFileSystem::Stat(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (path == ".") {
    FileInfo directory;
    directory.permissions = 0750;
    directory.is_directory = true;
    return directory;
  }
  const auto found = names_.find(path);
  if (found == names_.end()) return NoSuch(path);
  FileInfo info;
  info.size = found->second->content.size();
  info.permissions = found->second->permissions;
  info.owner = found->second->owner;
  info.is_regular = true;
  return info;
}

Result<std::unique_ptr<WritableFile>> CrashFileSystem::Create(
    const std::string& path, mode_t permissions) {
  std::lock_guard lock(mutex_);
  if (names_.contains(path)) {
    return Status(StatusCode::kAlreadyExists, path + " exists");
  }
  Status status = Step();
  if (!status.ok()) return status;
  auto inode = std::make_shared<Inode>();
  inode->permissions = permissions;
  inode->locked = true;
  names_[path] = inode;
  unsynced_names_.push_back({path, "", inode});
  return std::make_unique<File>(*this, inode);
}

Result<std::unique_ptr<WritableFile>> CrashFileSystem::OpenLocked(
    const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return NoSuch(path);
  if (found->second->locked) {
    return Status(StatusCode::kAlreadyExists, path + " is in use");
  }
  found->second->locked = true;
  return std::make_unique<File>(*this, found->second);
}

Status CrashFileSystem::RenameLocked(const std::string& from,
                                     const std::string& to) {
  const auto found = names_.find(from);
  if (found == names_.end()) return NoSuch(from);
  Status status = Step();
  if (!status.ok()) return status;
  names_[to] = found->second;
  unsynced_names_.push_back({to, from, found->second});
  names_.erase(from);
  return status;
}

Status CrashFileSystem::Rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  return RenameLocked(from, to);
}

Status CrashFileSystem::RenameNoReplace(const std::string& from,
                                        const std::string& to) {
  std::lock_guard lock(mutex_);
  if (names_.contains(to)) {
    return {StatusCode::kAlreadyExists, to + " exists"};
  }
  return RenameLocked(from, to);
}

Status CrashFileSystem::SyncDirectory(const std::string&) {
  std::lock_guard lock(mutex_);
  Status status = Step();
  if (status.ok()) {
    durable_names_ = names_;
    unsynced_names_.clear();
  }
  return status;
}

Status CrashFileSystem::Remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!names_.contains(path)) return NoSuch(path);
  Status status = Step();
  if (status.ok()) {
    names_.erase(path);
    unsynced_names_.push_back({path, "", nullptr});
  }
  return status;
}

Status CrashFileSystem::RemoveUnlocked(const std::string& path) {
  {
    std::lock_guard lock(mutex_);
    const auto found = names_.find(path);
    if (found != names_.end() && found->second->locked) {
      return {StatusCode::kUnavailable, path + " is locked"};
    }
  }
  return Remove(path);
}

void CrashFileSystem::Put(const std::string& name, Bytes content,
                          mode_t permissions) {
  std::lock_guard lock(mutex_);
  auto inode = std::make_shared<Inode>();
  inode->content = inode->durable = std::move(content);
  inode->permissions = permissions;
  names_[name] = durable_names_[name] = inode;
}

void CrashFileSystem::Overwrite(const std::string& name, Bytes content) {
  std::lock_guard lock(mutex_);
  Inode& inode = *names_.at(name);
  inode.content = inode.durable = std::move(content);
}

std::vector<std::string> CrashFileSystem::Names() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) names.push_back(name);
  return names;
}

Bytes CrashFileSystem::Content(const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(name);
  return found == names_.end() ? Bytes() : found->second->content;
}

mode_t CrashFileSystem::Permissions(const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(name);
  return found == names_.end() ? 0 : found->second->permissions;
}

}  // namespace openkeyring
