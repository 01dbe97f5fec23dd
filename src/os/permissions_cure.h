// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_PERMISSIONS_CURE_H_
#define OPENKEYRING_OS_PERMISSIONS_CURE_H_

#include <string>

namespace openkeyring {

// What to run when too many users may read `path`: afterwards the server's
// user still can, which `chmod o=` alone does not give for a file of root's.
// The group is that of the packages of MySQL, MariaDB and Percona Server.
inline std::string PermissionsCure(const std::string& path) {
  return "chown root:mysql " + path + "; chmod 640 " + path;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_PERMISSIONS_CURE_H_
