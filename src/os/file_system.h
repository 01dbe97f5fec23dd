// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_FILE_SYSTEM_H_
#define OPENKEYRING_OS_FILE_SYSTEM_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace openkeyring {

struct FileInfo {
  uint64_t size = 0;
  mode_t permissions = 0;  // The low 12 bits of st_mode.
  uid_t owner = 0;
  int64_t modified_ns = 0;  // Since the epoch.
  bool is_regular = false;
  bool is_directory = false;
};

// A new file being written. Closing without Sync promises nothing.
class WritableFile {
 public:
  virtual ~WritableFile() = default;  // Closes.
  virtual Status Append(ByteView bytes) = 0;
  virtual Status Sync() = 0;
};

// Files, injected, one method a system call, so that a test can stop the world
// at each of them. Errors name the path. ENOENT is kNotFound, EACCES, EPERM and
// ELOOP are kDenied, EEXIST is kAlreadyExists, EROFS is kReadOnly, and all
// else (ENOSPC, EIO, ...) is kUnavailable.
//
// Threads: all methods may be called at once.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The whole file; kCorrupt when it holds more than `max_size` bytes, and
  // kInvalidArgument when it is not a regular file.
  virtual Result<Secret> Read(const std::string& path, size_t max_size) = 0;
  // The names in a folder, without "." and "..", in no order.
  virtual Result<std::vector<std::string>> List(const std::string& folder) = 0;
  // Follows symbolic links.
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  // Creates with exactly `permissions` (whatever the umask); kAlreadyExists
  // when the name is taken. The file is locked (flock) while it is open.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                       mode_t permissions) = 0;
  // Atomic. Replaces `to`.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Atomic. kAlreadyExists, and nothing changed, when `to` is there.
  virtual Status RenameNoReplace(const std::string& from,
                                 const std::string& to) = 0;
  // Makes the folder's entries (creations, renames, removals) durable.
  virtual Status SyncFolder(const std::string& folder) = 0;
  virtual Status Remove(const std::string& path) = 0;
  // Removes a file unless somebody has it locked (kUnavailable then): true
  // leftovers of a crash go, a file that is being written stays.
  virtual Status RemoveUnlocked(const std::string& path) = 0;
};

// The real one. Lives for the process.
FileSystem& PosixFileSystem();

// "folder/name"; just the name when the folder is "" or ".".
std::string JoinPath(const std::string& folder, const std::string& name);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_FILE_SYSTEM_H_
