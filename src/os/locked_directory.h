// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_LOCKED_DIRECTORY_H_
#define OPENKEYRING_OS_LOCKED_DIRECTORY_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "os/file_system.h"

namespace openkeyring {

// A directory that is open, and locked (flock, exclusive) until this object is
// gone. What is done to it here, and below `path()`, is done to this very
// directory, whatever somebody puts in the place of its name meanwhile.
//
// Threads: one object is not synchronized.
class LockedDirectory {
 public:
  // Never follows a symbolic link at `path`: kDenied for whatever is not a
  // directory itself. kAlreadyExists when another process has it locked,
  // kNotFound when there is none, or another one by now.
  // `before_lock` is for tests: it is called when the directory is open, and
  // somebody else may still put another one in its place.
  static Result<std::unique_ptr<LockedDirectory>> Open(
      const std::string& path, const std::function<void()>& before_lock = {});
  ~LockedDirectory();
  LockedDirectory(const LockedDirectory&) = delete;
  LockedDirectory& operator=(const LockedDirectory&) = delete;

  // A path to it through the descriptor, in /proc.
  std::string path() const;
  const FileOwner& owner() const { return owner_; }
  bool IsOurs() const;  // Of the user that the process runs as.
  Status SetPermissions(mode_t permissions);
  // Ok without a call when it has that owner; kDenied unless we are root.
  Status SetOwner(FileOwner owner);

 private:
  LockedDirectory(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  Status LockAndExamine();

  const int fd_;
  const std::string name_;  // When it was opened: for messages.
  FileOwner owner_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_LOCKED_DIRECTORY_H_
