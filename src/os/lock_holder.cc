// SPDX-License-Identifier: MIT
#include "os/lock_holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace openkeyring {
namespace {

constexpr size_t kMostText = 1 << 20;

std::string ReadProc(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  if (fd < 0) return text;
  std::array<char, 4096> chunk;
  ssize_t n;
  while (text.size() < kMostText &&
         (n = read(fd, chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<size_t>(n));
  }
  close(fd);
  return text;
}

std::string ProcessText(pid_t pid) {
  if (pid <= 0) return "another process";
  const std::string number = std::to_string(pid);
  std::string name = ReadProc("/proc/" + number + "/comm");
  if (name.ends_with('\n')) name.pop_back();
  return "process " + number + (name.empty() ? "" : " (" + name + ")");
}

}  // namespace

std::string HolderOfLock(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return "another process";
  return ProcessText(FindFlock(ReadProc("/proc/locks"), st.st_dev, st.st_ino));
}

std::optional<LockHolder> LockHolderOf(const std::string& path) {
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return std::nullopt;
  const pid_t pid = FindFlock(ReadProc("/proc/locks"), st.st_dev, st.st_ino);
  if (pid <= 0) return std::nullopt;
  return LockHolder{pid, ProcessText(pid)};
}

pid_t FindFlock(std::string_view locks, dev_t device, ino_t inode) {
  pid_t by_inode = 0;
  bool only_one = true;
  while (!locks.empty()) {
    const std::string line(locks.substr(0, locks.find('\n')));
    locks.remove_prefix(std::min(line.size() + 1, locks.size()));
    int pid = 0;
    unsigned major_number = 0, minor_number = 0;
    unsigned long long found = 0;
    // As in "12: FLOCK  ADVISORY  WRITE 708 fe:01:123456 0 EOF".
    if (sscanf(line.c_str(), "%*d: FLOCK %*s %*s %d %x:%x:%llu", &pid,
               &major_number, &minor_number, &found) != 4 ||
        found != inode) {
      continue;
    }
    if (makedev(major_number, minor_number) == device) return pid;
    only_one = by_inode == 0;
    by_inode = pid;
  }
  return only_one ? by_inode : 0;
}

}  // namespace openkeyring
