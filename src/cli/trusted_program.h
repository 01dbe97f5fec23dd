// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_TRUSTED_PROGRAM_H_
#define OPENKEYRING_CLI_TRUSTED_PROGRAM_H_

#include <string>
#include <vector>

#include "cli/server_process.h"
#include "os/file_system.h"

// Which programs keyringctl runs (docs/threat_model.md). It is run by root,
// and every user of the machine chooses the words of processes: what they name
// is not run unless only root or we ourselves could have put it there.
namespace openkeyring {

// The canonical path of a regular file that nobody but root and the effective
// user can change, or replace: it, and every directory above it, belongs to one
// of them and is not writable for group or others, sticky or not. kDenied, with
// the file or directory that is not so.
Result<std::string> TrustedFile(FileSystem& files, const std::string& path);

// The words that run the program of this process again: what it runs indeed,
// or one of `installed`, which are canonical paths that we know; and a dynamic
// linker with it when it was started that way. By their real names, too, they
// are a server and a linker. kDenied when this cannot be trusted.
Result<std::vector<std::string>> TrustedCommand(
    FileSystem& files, const ServerProcess& process,
    const std::vector<std::string>& installed);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_TRUSTED_PROGRAM_H_
