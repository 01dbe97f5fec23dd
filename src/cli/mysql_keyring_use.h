// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_MYSQL_KEYRING_USE_H_
#define OPENKEYRING_CLI_MYSQL_KEYRING_USE_H_

#include <string>

#include "cli/command.h"
#include "cli/installation.h"
#include "os/file_system.h"

namespace openkeyring {

// For the keyrings of MySQL that no server locks: kInUse, with the pid, when a
// server of this machine runs that uses the keyring. A key that it makes while
// keys are copied from there would be in no copy, and a file that is made for
// it would be overwritten.
//
// A server uses a keyring when it has the data directory that is given ("": not
// known), when its configuration means the same keyring, or when it has loaded
// the component and the configuration cannot be read. Its manifest is not
// asked: that may have changed since it was started. Every process that calls
// itself a server is looked at, as CheckNoServerUses does it; there is a
// warning of one whose configuration is not found.

// component_keyring_kmip: the same object group on one of the same servers.
Outcome CheckGroupUnused(const Installation& installation,
                         CommandContext& context, FileSystem& files);
// component_keyring_file, with its keys in the file at `path`.
Outcome CheckComponentFileUnused(const std::string& path,
                                 const std::string& data_directory,
                                 CommandContext& context, FileSystem& files);
// The plugin keyring_file, with its keys in the file at `path`.
Outcome CheckPluginFileUnused(const std::string& path,
                              const std::string& data_directory,
                              CommandContext& context, FileSystem& files);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_MYSQL_KEYRING_USE_H_
