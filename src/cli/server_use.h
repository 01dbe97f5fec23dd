// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SERVER_USE_H_
#define OPENKEYRING_CLI_SERVER_USE_H_

#include <string>

#include "cli/command.h"
#include "cli/installation.h"
#include "os/file_system.h"
#include "os/process.h"

namespace openkeyring {

// For MariaDB's key files, which no server locks: kInUse, with the pid, when a
// server runs that has its key files in `directory`, or that has the data
// directory of this installation. Every process that calls itself a server is
// looked at, of whatever user and started in whatever way: one too many stops a
// command, and one too few loses a key. Warns of a MariaDB server of which it
// is not known where its key files are.
Outcome CheckNoServerUses(const std::string& directory,
                          const Installation& installation,
                          CommandContext& context, FileSystem& files,
                          ProcessRunner& processes);

// Whether both paths lead to the same file or directory. What is not there is
// compared by name.
bool IsSamePath(FileSystem& files, const std::string& a, const std::string& b);

// The path by which we see what a running server has at `path`: a service or a
// container has mounts of its own. `path` itself where we may not look.
std::string PathSeenBy(FileSystem& files, const DatabaseServer& server,
                       const std::string& path);
// Whether what a running server has at `theirs` is what we have at `ours`: the
// same file, whatever it is called; by name where we may not look.
bool IsSameFor(FileSystem& files, const DatabaseServer& server,
               const std::string& theirs, const std::string& ours);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SERVER_USE_H_
