// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_LOCK_HOLDER_H_
#define OPENKEYRING_OS_LOCK_HOLDER_H_

#include <sys/types.h>

#include <string>
#include <string_view>

namespace openkeyring {

// Who has the open file `fd` locked by flock, for an error text: "process 12
// (mysqld)" as far as /proc tells, else "another process".
std::string HolderOfLock(int fd);

// The pid in the text of /proc/locks that has a flock on this inode, 0 for
// none. Some file systems show another device there than stat does; then the
// inode alone decides, when only one line has it.
pid_t FindFlock(std::string_view locks, dev_t device, ino_t inode);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_LOCK_HOLDER_H_
