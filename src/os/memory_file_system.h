// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_MEMORY_FILE_SYSTEM_H_
#define OPENKEYRING_OS_MEMORY_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "os/file_system.h"

namespace openkeyring {

// One directory in memory, ".": a file is built here, by the code that writes
// such files, and put on the disk at once when it is complete. Nothing is
// durable, and nobody else sees it. Not for secrets: file contents are ordinary
// memory.
//
// Threads: all methods may be called concurrently.
class MemoryFileSystem : public FileSystem {
 public:
  Result<Bytes> Read(const std::string& path, size_t max_size) override;
  Result<Secret> ReadSecret(const std::string& path, size_t max_size) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                               mode_t permissions) override;
  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status RenameNoReplace(const std::string& from,
                         const std::string& to) override;
  Status SyncDirectory(const std::string& directory) override;
  Status Remove(const std::string& path) override;
  Status RemoveUnlocked(const std::string& path) override;

 private:
  struct Inode {
    std::mutex mutex;
    Bytes content;  // Guarded by mutex.
    mode_t permissions = 0;
    bool locked = false;  // Guarded by the file system's mutex.
  };
  class File;

  std::shared_ptr<Inode> Find(const std::string& path);  // Null: none.
  void Unlock(Inode& inode);

  std::mutex mutex_;  // Guards what follows.
  std::map<std::string, std::shared_ptr<Inode>> names_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_MEMORY_FILE_SYSTEM_H_
