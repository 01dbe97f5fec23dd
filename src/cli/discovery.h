// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_DISCOVERY_H_
#define OPENKEYRING_CLI_DISCOVERY_H_

#include <optional>

#include "cli/command.h"
#include "cli/installation.h"
#include "os/file_system.h"
#include "os/process.h"

namespace openkeyring {

// Whether a command can do without a configuration when --path is given.
enum class Needs { kPath, kConfiguration };

// The keyring that a command line means, by the rules in docs/keyringctl.md,
// "Which keyring". Says in the output what it took. kUsage when none is found,
// or more than one.
tl::expected<Installation, Failure> FindInstallation(CommandContext& context,
                                                     FileSystem& files,
                                                     ProcessRunner& processes,
                                                     Needs needs);

// The product whose keyring this is, by the bytes of a file or the names in a
// directory; nothing when it is none of ours. An error when it cannot be read.
Result<std::optional<Product>> ProductOfPath(FileSystem& files,
                                             const std::string& path);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_DISCOVERY_H_
