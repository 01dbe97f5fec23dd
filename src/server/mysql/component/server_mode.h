// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_SERVER_MODE_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_SERVER_MODE_H_

#include <string_view>

#include "os/file_system.h"

namespace openkeyring {

// What the program that loads a component was started for. mysqld loads its
// manifest's components, and their keyring, before it looks at most options:
// also for --verbose --help, which the official container image runs some
// sixteen times a start, and for --validate-config. No service tells which; the
// command line does.
enum class ServerMode {
  kServe,
  kShowHelp,        // Ends after it has printed its options.
  kValidateConfig,  // Ends after it has checked them.
};

// From the arguments as /proc has them, each with its terminating null. An
// option may be shortened as long as it is unambiguous, and may have dashes or
// underscores; those after "--" are none. Help wins.
ServerMode ServerModeOf(std::string_view arguments);

// The mode of this process; kServe when the system does not tell.
ServerMode CurrentServerMode(FileSystem& files);

// Whether a component's init is called for the manifest: before the program has
// made its first thread. INSTALL COMPONENT, and the components that it
// registered in earlier runs, come later, when the server does not look for a
// keyring any more. True when the system does not tell.
bool IsLoadedByManifest(FileSystem& files);

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_SERVER_MODE_H_
