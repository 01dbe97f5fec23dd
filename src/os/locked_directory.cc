// SPDX-License-Identifier: MIT
#include "os/locked_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "os/errno_status.h"

namespace openkeyring {
namespace {

Status Failed(const char* what, const std::string& path) {
  const int error = errno;
  Status status =
      ErrnoStatus(error, (std::string(what) + " directory").c_str(), path);
  if (error == ENOTDIR) return {StatusCode::kDenied, status.message()};
  if (error == EWOULDBLOCK)
    return {StatusCode::kAlreadyExists, status.message()};
  return status;
}

}  // namespace

Result<std::unique_ptr<LockedDirectory>> LockedDirectory::Open(
    const std::string& path, const std::function<void()>& before_lock) {
  const int fd =
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  std::unique_ptr<LockedDirectory> opened(new LockedDirectory(fd, path));
  if (before_lock) before_lock();
  Status status = opened->LockAndExamine();
  if (!status.ok()) return status;
  return opened;
}

// Before it was locked it may have been published, or replaced.
Status LockedDirectory::LockAndExamine() {
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) return Failed("lock", name_);
  struct stat ours, there;
  if (fstat(fd_, &ours) != 0 || lstat(name_.c_str(), &there) != 0) {
    return Failed("examine", name_);
  }
  if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino) {
    return {StatusCode::kNotFound, "directory " + name_ + " was replaced"};
  }
  owner_ = {ours.st_uid, ours.st_gid};
  return Status::Ok();
}

LockedDirectory::~LockedDirectory() { close(fd_); }

std::string LockedDirectory::path() const {
  return "/proc/self/fd/" + std::to_string(fd_);
}

bool LockedDirectory::IsOurs() const { return owner_.user == geteuid(); }

Status LockedDirectory::SetPermissions(mode_t permissions) {
  if (fchmod(fd_, permissions) == 0) return Status::Ok();
  return Failed("set the mode of", name_);
}

Status LockedDirectory::SetOwner(FileOwner owner) {
  if (owner == owner_) return Status::Ok();
  if (fchown(fd_, owner.user, owner.group) != 0) {
    return Failed("set the owner of", name_);
  }
  owner_ = owner;
  return Status::Ok();
}

}  // namespace openkeyring
