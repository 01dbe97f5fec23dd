// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SERVER_PROCESS_H_
#define OPENKEYRING_CLI_SERVER_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/file_system.h"

namespace openkeyring {

// A process that calls itself mysqld or mariadbd. Whoever started it chose its
// words, and could be any user of this machine: they are what it says, and not
// what is true.
struct ServerProcess {
  int pid = 0;
  uid_t user = 0;  // Who started it, also of a setuid program.
  // The path that it was called by; when that is relative, what it runs.
  std::string program;
  // The words before it: of a dynamic linker that runs it. Mostly empty.
  std::vector<std::string> linker;
  std::vector<std::string> arguments;
  // Where it works: a server that is up, in its data directory. "": unknown.
  std::string directory;
};

// In no order. What cannot be read is left out, and so is what only prints its
// options (--print-defaults) and ends.
std::vector<ServerProcess> ServerProcesses(FileSystem& files);

// The options before --print-defaults that the server takes into account there:
// those that name option files, and are the first. Nothing when there is no
// option file to read (--no-defaults); and when one is named by a relative
// path, since a server changes its directory, kInvalidArgument.
Result<std::vector<std::string>> DefaultsOptions(
    const std::vector<std::string>& arguments);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SERVER_PROCESS_H_
