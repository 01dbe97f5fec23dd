// SPDX-License-Identifier: MIT
#include "os/memory_file_system.h"

#include <utility>

namespace openkeyring {
namespace {

Status Missing(const std::string& path) {
  return {StatusCode::kNotFound, path + " does not exist"};
}

}  // namespace

class MemoryFileSystem::File : public WritableFile {
 public:
  File(MemoryFileSystem& owner, std::shared_ptr<Inode> inode)
      : owner_(owner), inode_(std::move(inode)) {}
  ~File() override { owner_.Unlock(*inode_); }

  Status Append(ByteView bytes) override {
    const std::lock_guard lock(inode_->mutex);
    inode_->content.insert(inode_->content.end(), bytes.begin(), bytes.end());
    return Status::Ok();
  }
  Status Sync() override { return Status::Ok(); }
  Result<Bytes> ReadBack(uint64_t offset, size_t size) override {
    const std::lock_guard lock(inode_->mutex);
    const Bytes& content = inode_->content;
    if (offset > content.size() || size > content.size() - offset) {
      return Status(StatusCode::kCorrupt, "the file ends before");
    }
    const auto start = content.begin() + static_cast<ptrdiff_t>(offset);
    return Bytes(start, start + static_cast<ptrdiff_t>(size));
  }
  Result<uint64_t> Size() override {
    const std::lock_guard lock(inode_->mutex);
    return uint64_t{inode_->content.size()};
  }
  Status Truncate(uint64_t size) override {
    const std::lock_guard lock(inode_->mutex);
    inode_->content.resize(size);
    return Status::Ok();
  }
  Status SetOwner(FileOwner) override { return Status::Ok(); }
  Result<bool> IsAt(const std::string& path) override {
    return owner_.Find(path) == inode_;
  }

 private:
  MemoryFileSystem& owner_;
  const std::shared_ptr<Inode> inode_;
};

std::shared_ptr<MemoryFileSystem::Inode> MemoryFileSystem::Find(
    const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

void MemoryFileSystem::Unlock(Inode& inode) {
  const std::lock_guard lock(mutex_);
  inode.locked = false;
}

Result<Bytes> MemoryFileSystem::Read(const std::string& path, size_t max_size) {
  const std::shared_ptr<Inode> inode = Find(path);
  if (inode == nullptr) return Missing(path);
  const std::lock_guard lock(inode->mutex);
  if (inode->content.size() > max_size) {
    return Status(StatusCode::kCorrupt, path + " is too large");
  }
  return inode->content;
}

Result<Secret> MemoryFileSystem::ReadSecret(const std::string& path, size_t) {
  return Status(StatusCode::kInternal, path + " must not hold a secret");
}

Result<std::vector<std::string>> MemoryFileSystem::List(const std::string&) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) names.push_back(name);
  return names;
}

Result<FileInfo> MemoryFileSystem::Stat(const std::string& path) {
  const std::shared_ptr<Inode> inode = Find(path);
  if (inode == nullptr) return Missing(path);
  const std::lock_guard lock(inode->mutex);
  FileInfo info;
  info.size = inode->content.size();
  info.permissions = inode->permissions;
  info.is_regular = true;
  return info;
}

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::Create(
    const std::string& path, mode_t permissions) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Inode>& inode = names_[path];
  if (inode != nullptr) {
    return Status(StatusCode::kAlreadyExists, path + " exists already");
  }
  inode = std::make_shared<Inode>();
  inode->permissions = permissions;
  inode->locked = true;
  return std::make_unique<File>(*this, inode);
}

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenLocked(
    const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return Missing(path);
  if (found->second->locked) {
    return Status(StatusCode::kAlreadyExists, path + " is locked");
  }
  found->second->locked = true;
  return std::make_unique<File>(*this, found->second);
}

Status MemoryFileSystem::Rename(const std::string& from,
                                const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end()) return Missing(from);
  const std::shared_ptr<Inode> inode = found->second;
  names_.erase(found);
  names_[to] = inode;
  return Status::Ok();
}

Status MemoryFileSystem::RenameNoReplace(const std::string& from,
                                         const std::string& to) {
  if (Find(to) != nullptr) {
    return {StatusCode::kAlreadyExists, to + " exists already"};
  }
  return Rename(from, to);
}

Status MemoryFileSystem::SyncDirectory(const std::string&) {
  return Status::Ok();
}

Status MemoryFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return names_.erase(path) == 1 ? Status::Ok() : Missing(path);
}

Status MemoryFileSystem::RemoveUnlocked(const std::string& path) {
  return Remove(path);
}

}  // namespace openkeyring
