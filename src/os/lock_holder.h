// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_LOCK_HOLDER_H_
#define OPENKEYRING_OS_LOCK_HOLDER_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace openkeyring {

// Who has the open file `fd` locked by flock, for an error text: "process 12
// (mysqld)" as far as /proc tells, else "another process".
std::string HolderOfLock(int fd);

// Who has the file at `path` locked by flock, without locking it or opening it
// for writing. Nothing when nobody has, or when it cannot be found out.
struct LockHolder {
  pid_t pid;
  std::string text;  // As HolderOfLock says it.
};
std::optional<LockHolder> LockHolderOf(const std::string& path);

// The pid in the text of /proc/locks that has a flock on this inode, 0 for
// none. Some file systems show another device there than stat does; then the
// inode alone decides, when only one line has it.
pid_t FindFlock(std::string_view locks, dev_t device, ino_t inode);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_LOCK_HOLDER_H_
