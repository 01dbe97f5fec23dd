// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_XTRABACKUP_CONFIG_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_XTRABACKUP_CONFIG_H_

#include <string>

namespace openkeyring {

// The configuration file that Percona XtraBackup uses: what its option
// --component-keyring-config says, or the file of the server that it backs up.
// It tells its components by a global variable of its own, a std::string, and
// not by the paths that it passes to load(). "" in any other program, and where
// the variable is empty or cannot be a path.
std::string XtraBackupConfigFile();

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_XTRABACKUP_CONFIG_H_
