// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "os/errno_status.h"
#include "os/file_system.h"
#include "os/lock_holder.h"

namespace openkeyring {
namespace {

Status ErrnoStatus(const char* what, const std::string& path) {
  return openkeyring::ErrnoStatus(errno, what, path);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

FileInfo InfoOf(const struct stat& st) {
  FileInfo info;
  info.size = static_cast<uint64_t>(st.st_size);
  info.permissions = st.st_mode & 07777;
  info.owner = {st.st_uid, st.st_gid};
  info.modified_ns = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
  info.device = st.st_dev;
  info.inode = st.st_ino;
  info.links = st.st_nlink;
  info.is_regular = S_ISREG(st.st_mode);
  info.is_directory = S_ISDIR(st.st_mode);
  return info;
}

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(Descriptor fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Append(ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus("write", path_);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return Status::Ok();
  }

  Status Sync() override {
    if (fdatasync(fd_.get()) != 0) return ErrnoStatus("sync", path_);
    return Status::Ok();
  }

  Result<Bytes> ReadBack(uint64_t offset, size_t size) override {
    Bytes bytes(size);
    size_t done = 0;
    while (done < size) {
      const ssize_t n = pread(fd_.get(), bytes.data() + done, size - done,
                              static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus("read", path_);
      if (n == 0)
        return Status(StatusCode::kCorrupt, path_ + " ends too early");
      done += static_cast<size_t>(n);
    }
    return bytes;
  }

  Result<uint64_t> Size() override {
    struct stat st;
    if (fstat(fd_.get(), &st) != 0) return ErrnoStatus("examine", path_);
    return static_cast<uint64_t>(st.st_size);
  }

  Status Truncate(uint64_t size) override {
    if (ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      return ErrnoStatus("truncate", path_);
    }
    return Status::Ok();
  }

  Status SetOwner(FileOwner owner) override {
    struct stat st;
    if (fstat(fd_.get(), &st) != 0) return ErrnoStatus("examine", path_);
    if (InfoOf(st).owner == owner) return Status::Ok();
    if (fchown(fd_.get(), owner.user, owner.group) != 0) {
      return ErrnoStatus("set the owner of", path_);
    }
    return Status::Ok();
  }

  Result<bool> IsAt(const std::string& path) override {
    struct stat ours, there;
    if (fstat(fd_.get(), &ours) != 0) return ErrnoStatus("examine", path_);
    if (stat(path.c_str(), &there) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return false;
      return ErrnoStatus("examine", path);
    }
    return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class RealFileSystem : public FileSystem {
 public:
  Result<Bytes> Read(const std::string& path, size_t max_size) override {
    Bytes content;
    const size_t expected = ExpectedSize(path, max_size);
    content.reserve(expected);
    Bytes chunk(ChunkSize(expected));
    Status status = ReadRegularFile(path, max_size, chunk, [&](ByteView part) {
      content.insert(content.end(), part.begin(), part.end());
    });
    if (!status.ok()) return status;
    return content;
  }

  Result<Bytes> ReadStart(const std::string& path, size_t size) override {
    Result<Descriptor> fd = OpenRegularFile(path);
    if (!fd) return fd.error();
    Bytes bytes(size);
    size_t done = 0;
    while (done < size) {
      const ssize_t n = read(fd->get(), bytes.data() + done, size - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus("read", path);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    bytes.resize(done);
    return bytes;
  }

  Result<Secret> ReadSecret(const std::string& path, size_t max_size) override {
    Secret content;
    Secret chunk(ChunkSize(ExpectedSize(path, max_size)));
    Status status =
        ReadRegularFile(path, max_size, chunk.RevealMutable(),
                        [&](ByteView part) { content.Append(part); });
    if (!status.ok()) return status;
    return content;
  }

  Result<std::string> ResolveLink(const std::string& path) override {
    struct stat st;
    if (lstat(path.c_str(), &st) != 0 || !S_ISLNK(st.st_mode)) return path;
    return CanonicalPath(path);
  }

  Result<std::string> CanonicalPath(const std::string& path) override {
    const std::unique_ptr<char, void (*)(void*)> target(
        realpath(path.c_str(), nullptr), free);
    if (target == nullptr) return ErrnoStatus("follow the link", path);
    return std::string(target.get());
  }

  Result<std::vector<std::string>> List(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()),
                                                  closedir);
    if (dir == nullptr) return ErrnoStatus("open directory", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(dir.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
      errno = 0;
    }
    if (errno != 0) return ErrnoStatus("read directory", directory);
    return names;
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat st;
    if (stat(path.c_str(), &st) != 0) return ErrnoStatus("examine", path);
    return InfoOf(st);
  }

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                               mode_t permissions) override {
    Descriptor fd(
        open(path.c_str(),
             O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
             permissions));
    if (!fd.ok()) return ErrnoStatus("create", path);
    (void)flock(fd.get(), LOCK_EX | LOCK_NB);
    if (fchmod(fd.get(), permissions) != 0) {
      const Status status = ErrnoStatus("set the mode of", path);
      unlink(path.c_str());
      return status;
    }
    return std::make_unique<PosixWritableFile>(std::move(fd), path);
  }

  Result<std::unique_ptr<WritableFile>> OpenLocked(
      const std::string& path) override {
    for (;;) {
      Descriptor fd(
          open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK));
      if (!fd.ok()) return ErrnoStatus("open", path);
      if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return ErrnoStatus("lock", path);
        return Status(StatusCode::kAlreadyExists,
                      path + " is in use by " + HolderOfLock(fd.get()));
      }
      auto file = std::make_unique<PosixWritableFile>(std::move(fd), path);
      // Between opening and locking it somebody may have put another there.
      Result<bool> there = file->IsAt(path);
      if (!there) return there.error();
      if (*there) return file;
    }
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
    return ErrnoStatus("rename to", to);
  }

  Status RenameNoReplace(const std::string& from,
                         const std::string& to) override {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                  RENAME_NOREPLACE) == 0) {
      return Status::Ok();
    }
    if (errno != EINVAL && errno != ENOSYS) {
      return ErrnoStatus("rename to", to);
    }
    // A file system without the flag: a hard link does not replace either.
    if (link(from.c_str(), to.c_str()) != 0) return ErrnoStatus("link to", to);
    if (unlink(from.c_str()) != 0) return ErrnoStatus("remove", from);
    return Status::Ok();
  }

  Status SyncDirectory(const std::string& directory) override {
    Descriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.ok()) return ErrnoStatus("open directory", directory);
    if (fsync(fd.get()) != 0) return ErrnoStatus("sync directory", directory);
    return Status::Ok();
  }

  Status MakeDirectory(const std::string& directory, mode_t mode) override {
    if (mkdir(directory.c_str(), mode) != 0)
      return ErrnoStatus("create", directory);
    const Descriptor fd = OpenItself(directory);
    return fd.ok() && fchmod(fd.get(), mode) == 0
               ? Status::Ok()
               : ErrnoStatus("set the mode of", directory);
  }

  Status SetDirectoryOwner(const std::string& directory,
                           FileOwner owner) override {
    const Descriptor fd = OpenItself(directory);
    struct stat st;
    if (!fd.ok() || fstat(fd.get(), &st) != 0) {
      return ErrnoStatus("examine", directory);
    }
    if (InfoOf(st).owner == owner ||
        fchown(fd.get(), owner.user, owner.group) == 0) {
      return Status::Ok();
    }
    return ErrnoStatus("set the owner of", directory);
  }

  Status RemoveDirectory(const std::string& directory) override {
    if (rmdir(directory.c_str()) == 0) return Status::Ok();
    return ErrnoStatus("remove directory", directory);
  }

  Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) == 0) return Status::Ok();
    return ErrnoStatus("remove", path);
  }

  Status RemoveUnlocked(const std::string& path) override {
    Descriptor fd(
        open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd.ok()) return ErrnoStatus("open", path);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      return ErrnoStatus("lock", path);
    }
    return Remove(path);
  }

 private:
  // Of what is read. Files of /proc have no size; for one that is refused
  // because of its size no memory is asked for.
  static size_t ExpectedSize(const std::string& path, size_t max_size) {
    constexpr size_t kUnknown = 65535;
    struct stat st;
    const bool is_known = stat(path.c_str(), &st) == 0 && st.st_size > 0 &&
                          static_cast<uint64_t>(st.st_size) <= max_size;
    return is_known ? static_cast<size_t>(st.st_size)
                    : std::min(kUnknown, max_size);
  }

  static Status TooLarge(const std::string& path, size_t max_size) {
    return {StatusCode::kCorrupt, path + " is larger than " +
                                      std::to_string(max_size) +
                                      " bytes, more than such a file can be"};
  }

  // One byte more than is expected, to see that there is more.
  static size_t ChunkSize(size_t max_size) {
    return std::min<size_t>(max_size, 65535) + 1;
  }

  // A directory, and nothing that a symbolic link in its place leads to.
  static Descriptor OpenItself(const std::string& directory) {
    return Descriptor(open(directory.c_str(),
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }

  static Result<Descriptor> OpenRegularFile(const std::string& path) {
    // O_NONBLOCK: a FIFO under a key file's name must not hang the server.
    Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.ok()) return ErrnoStatus("open", path);
    struct stat st;
    if (fstat(fd.get(), &st) != 0) return ErrnoStatus("examine", path);
    if (S_ISREG(st.st_mode)) return fd;
    return Status(StatusCode::kInvalidArgument,
                  path + " is not a regular file");
  }

  // Hands the content to `sink` piece by piece, through `chunk`.
  template <typename Sink>
  static Status ReadRegularFile(const std::string& path, size_t max_size,
                                std::span<uint8_t> chunk, Sink sink) {
    const Result<Descriptor> fd = OpenRegularFile(path);
    if (!fd) return fd.error();
    // A sparse file of any size costs no disk, but memory until it is refused.
    struct stat st;
    if (fstat(fd->get(), &st) != 0) return ErrnoStatus("examine", path);
    if (static_cast<uint64_t>(st.st_size) > max_size) {
      return TooLarge(path, max_size);
    }
    for (size_t total = 0;;) {
      const ssize_t n = read(fd->get(), chunk.data(), chunk.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus("read", path);
      if (n == 0) return Status::Ok();
      total += static_cast<size_t>(n);
      if (total > max_size) return TooLarge(path, max_size);
      sink(ByteView(chunk.data(), static_cast<size_t>(n)));
    }
  }
};

}  // namespace

FileSystem& PosixFileSystem() {
  static RealFileSystem files;
  return files;
}

}  // namespace openkeyring
