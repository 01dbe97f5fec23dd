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

struct FileOwner {
  uid_t user = 0;
  gid_t group = 0;
  bool operator==(const FileOwner&) const = default;
};

struct FileInfo {
  uint64_t size = 0;
  mode_t permissions = 0;  // The low 12 bits of st_mode.
  FileOwner owner;
  int64_t modified_ns = 0;  // Since the epoch.
  uint64_t device = 0;      // With the inode, which file it is.
  uint64_t inode = 0;
  uint64_t links = 1;  // Names that it has (hard links).
  bool is_regular = false;
  bool is_directory = false;
};

// A file being written. Closing without Sync promises nothing. The lock (flock,
// exclusive) lasts until it is closed and goes with the file when that is
// renamed; a child made by fork shares it.
//
// Threads: one object is not synchronised.
class WritableFile {
 public:
  virtual ~WritableFile() = default;  // Closes.
  // All of `bytes` at the end of the file; when it fails, some may be there.
  virtual Status Append(ByteView bytes) = 0;
  // Makes content and size durable.
  virtual Status Sync() = 0;
  // Exactly these bytes of the file; kCorrupt when it ends before.
  virtual Result<Bytes> ReadBack(uint64_t offset, size_t size) = 0;
  virtual Result<uint64_t> Size() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  // Ok without a call when it has that owner; kDenied unless we are root.
  virtual Status SetOwner(FileOwner owner) = 0;
  // Whether `path` names this very file: not after somebody replaced or
  // removed it.
  virtual Result<bool> IsAt(const std::string& path) = 0;
};

// Files, injected, one method a system call, so that a test can stop the world
// at each of them. Errors name the path. ENOENT is kNotFound, EACCES, EPERM and
// ELOOP are kDenied, EEXIST is kAlreadyExists, EROFS is kReadOnly, and all
// else (ENOSPC, EIO, ...) is kUnavailable.
//
// Threads: all methods may be called concurrently.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The complete content of a file that holds no plaintext secret; kCorrupt
  // when it has more than `max_size` bytes, and kInvalidArgument when it is not
  // a regular file.
  virtual Result<Bytes> Read(const std::string& path, size_t max_size) = 0;
  // The first `size` bytes of a file, or all when it has fewer.
  // kInvalidArgument when it is not a regular file.
  virtual Result<Bytes> ReadStart(const std::string& path, size_t size) {
    Result<Bytes> content = Read(path, SIZE_MAX);
    if (content && content->size() > size) content->resize(size);
    return content;
  }
  // Like Read, for credentials, tokens, private keys and configuration files.
  virtual Result<Secret> ReadSecret(const std::string& path,
                                    size_t max_size) = 0;
  // The file that `path` leads to: `path` itself unless it is a symbolic link.
  // kNotFound for a link to nothing. A test without links has nothing to do.
  virtual Result<std::string> ResolveLink(const std::string& path) {
    return path;
  }
  // An absolute path to the same file without symbolic links in it, "." or
  // "..". A test without links has nothing to do.
  virtual Result<std::string> CanonicalPath(const std::string& path) {
    return path;
  }
  // The names in a directory, without "." and "..", in no order.
  virtual Result<std::vector<std::string>> List(
      const std::string& directory) = 0;
  // Follows symbolic links.
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  // Creates with exactly `permissions` (whatever the umask); kAlreadyExists
  // when the name is taken. The file is locked (flock) while it is open.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                       mode_t permissions) = 0;
  // Opens an existing file for appending, and locks it. kAlreadyExists, with
  // the pid of the holder where the system tells, when somebody else has it
  // locked.
  virtual Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) = 0;
  // Atomic. Replaces `to`.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Atomic. kAlreadyExists, and nothing changed, when `to` is there.
  virtual Status RenameNoReplace(const std::string& from,
                                 const std::string& to) = 0;
  // Makes the directory's entries (creations, renames, removals) durable.
  virtual Status SyncDirectory(const std::string& directory) = 0;
  // Makes a directory with exactly `permissions`; kAlreadyExists when the name
  // is taken. A file system of one directory has no other to make.
  virtual Status MakeDirectory(const std::string& directory,
                               mode_t permissions) {
    (void)permissions;
    return {StatusCode::kAlreadyExists, directory + " exists already"};
  }
  // Ok without a call when it has that owner; kDenied unless we are root.
  virtual Status SetDirectoryOwner(const std::string& directory,
                                   FileOwner owner) {
    (void)directory, (void)owner;
    return Status::Ok();
  }
  // An empty one.
  virtual Status RemoveDirectory(const std::string& directory) {
    return {StatusCode::kNotFound, directory + " does not exist"};
  }
  virtual Status Remove(const std::string& path) = 0;
  // Removes a file unless somebody has it locked (kUnavailable then): true
  // leftovers of a crash go, a file that is being written stays.
  virtual Status RemoveUnlocked(const std::string& path) = 0;
};

// The real one. Lives for the process.
FileSystem& PosixFileSystem();

// What stands before the last '/' of a path, "." when there is none, and what
// stands after it.
std::string DirectoryName(const std::string& path);
std::string BaseName(const std::string& path);

// "directory/name"; just the name when the directory is "" or ".".
std::string JoinPath(const std::string& directory, const std::string& name);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_FILE_SYSTEM_H_
