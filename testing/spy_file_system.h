// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_SPY_FILE_SYSTEM_H_
#define OPENKEYRING_TESTING_SPY_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing/crash_file_system.h"

namespace openkeyring {

// A CrashFileSystem that writes down what is done with it, and can fail any
// step by its name or tell lies about what was written. Steps: "create",
// "open", "append", "sync", "read back", "truncate", "rename", "sync
// directory", "remove", "read".
//
// Threads: not synchronised.
class SpyFileSystem : public CrashFileSystem {
 public:
  // Called before a step; an error is its outcome, and it is not done.
  std::function<Status(const std::string& step)> hook;
  // What was written reads back with a bit flipped.
  bool lies_on_read_back = false;
  std::vector<std::string> seen;
  uint64_t bytes_appended = 0;

  // Fails the step of that name; the others work.
  void FailAt(const std::string& name, Status status) {
    hook = [name, status](const std::string& step) {
      return step == name ? status : Status::Ok();
    };
  }

  Result<Bytes> Read(const std::string& path, size_t max_size) override {
    const Status status = Step("read");
    return status.ok() ? CrashFileSystem::Read(path, max_size) : status;
  }
  Result<Secret> ReadSecret(const std::string& path, size_t max_size) override {
    const Status status = Step("read");
    return status.ok() ? CrashFileSystem::ReadSecret(path, max_size) : status;
  }
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                               mode_t permissions) override {
    const Status status = Step("create");
    return status.ok() ? Spied(CrashFileSystem::Create(path, permissions))
                       : status;
  }
  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) override {
    const Status status = Step("open");
    return status.ok() ? Spied(CrashFileSystem::OpenLocked(path)) : status;
  }
  Status Rename(const std::string& from, const std::string& to) override {
    const Status status = Step("rename");
    return status.ok() ? CrashFileSystem::Rename(from, to) : status;
  }
  Status RenameNoReplace(const std::string& from,
                         const std::string& to) override {
    const Status status = Step("rename");
    return status.ok() ? CrashFileSystem::RenameNoReplace(from, to) : status;
  }
  Status SyncDirectory(const std::string& directory) override {
    const Status status = Step("sync directory");
    return status.ok() ? CrashFileSystem::SyncDirectory(directory) : status;
  }
  Status Remove(const std::string& path) override {
    const Status status = Step("remove");
    return status.ok() ? CrashFileSystem::Remove(path) : status;
  }

 private:
  class File : public WritableFile {
   public:
    File(SpyFileSystem& spy, std::unique_ptr<WritableFile> real)
        : spy_(spy), real_(std::move(real)) {}
    Status Append(ByteView bytes) override {
      const Status status = spy_.Step("append");
      if (!status.ok()) return status;
      spy_.bytes_appended += bytes.size();
      return real_->Append(bytes);
    }
    Status Sync() override {
      const Status status = spy_.Step("sync");
      return status.ok() ? real_->Sync() : status;
    }
    Result<Bytes> ReadBack(uint64_t offset, size_t size) override {
      const Status status = spy_.Step("read back");
      if (!status.ok()) return status;
      Result<Bytes> found = real_->ReadBack(offset, size);
      if (found && spy_.lies_on_read_back && !found->empty()) {
        found->back() ^= 1;
      }
      return found;
    }
    Result<uint64_t> Size() override { return real_->Size(); }
    Status Truncate(uint64_t size) override {
      const Status status = spy_.Step("truncate");
      return status.ok() ? real_->Truncate(size) : status;
    }
    Status SetOwner(FileOwner owner) override { return real_->SetOwner(owner); }
    Result<bool> IsAt(const std::string& path) override {
      return real_->IsAt(path);
    }

   private:
    SpyFileSystem& spy_;
    std::unique_ptr<WritableFile> real_;
  };

  Status Step(const std::string& name) {
    seen.push_back(name);
    return hook ? hook(name) : Status::Ok();
  }
  Result<std::unique_ptr<WritableFile>> Spied(
      Result<std::unique_ptr<WritableFile>> file) {
    if (!file) return file;
    return std::make_unique<File>(*this, std::move(*file));
  }
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_SPY_FILE_SYSTEM_H_
