// SPDX-License-Identifier: MIT
#include "os/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/errno_status.h"

namespace openkeyring {
namespace {

class UnnamedFile {
 public:
  UnnamedFile(std::string path, mode_t permissions)
      : path_(std::move(path)),
        fd_(open(DirectoryName(path_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC,
                 permissions)) {}
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;
  ~UnnamedFile() {
    if (fd_ >= 0) close(fd_);
  }

  // Old kernels take the flag for a directory that is to be written.
  bool IsSupported() const {
    return fd_ >= 0 || (errno != EOPNOTSUPP && errno != EISDIR &&
                        errno != ENOENT && errno != EINVAL);
  }
  Status Error(const char* what) const {
    return ErrnoStatus(errno, what, path_);
  }

  Status Write(const Secret& content, mode_t permissions,
               std::optional<FileOwner> owner) {
    if (fd_ < 0) return Error("create");
    // Only root may give files away, and only root needs to.
    if (owner) (void)!fchown(fd_, owner->user, owner->group);
    if (fchmod(fd_, permissions) != 0) return Error("set the mode of");
    ByteView rest = content.RevealBytes();
    while (!rest.empty()) {
      const ssize_t n = write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error("write");
      rest = rest.subspan(static_cast<size_t>(n));
    }
    return fsync(fd_) == 0 ? Status::Ok() : Error("sync");
  }

  Status CheckReadBack(const Secret& content) {
    Secret found(content.size());
    size_t done = 0;
    while (done < found.size()) {
      const ssize_t n = pread(fd_, found.RevealMutable().data() + done,
                              found.size() - done, static_cast<off_t>(done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error("read");
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    if (done == found.size() && found.Equals(content)) return Status::Ok();
    return {StatusCode::kCorrupt,
            path_ + " does not hold what was just written to it"};
  }

  // Never replaces.
  Status GiveName() {
    const std::string open = "/proc/self/fd/" + std::to_string(fd_);
    return linkat(AT_FDCWD, open.c_str(), AT_FDCWD, path_.c_str(),
                  AT_SYMLINK_FOLLOW) == 0
               ? Status::Ok()
               : Error("create");
  }

 private:
  const std::string path_;
  const int fd_;
};

}  // namespace

Status CreateSecretFile(const std::string& path, const Secret& content,
                        mode_t permissions, std::optional<FileOwner> owner) {
  UnnamedFile file(path, permissions);
  if (!file.IsSupported()) {
    return {StatusCode::kInvalidArgument,
            path + ": the file system has no files without a name"};
  }
  Status status = file.Write(content, permissions, owner);
  if (status.ok()) status = file.CheckReadBack(content);
  if (status.ok()) status = file.GiveName();
  if (!status.ok()) return status;
  return PosixFileSystem().SyncDirectory(DirectoryName(path));
}

}  // namespace openkeyring
