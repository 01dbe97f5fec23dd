// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMANDS_REWRAP_KEY_FILES_H_
#define OPENKEYRING_CLI_COMMANDS_REWRAP_KEY_FILES_H_

#include <optional>

#include "cli/command.h"
#include "cli/installation.h"

namespace openkeyring {

struct RewrappedKeyFiles {
  // Set when the command ended before it changed anything.
  std::optional<Outcome> ended;
  size_t keys = 0;       // That were opened and compared.
  size_t rewrapped = 0;  // Whose files were replaced.
};

// `rewrap` for MariaDB's key files: each that is under another KMS key than the
// configured one is replaced, durably and after its successor was opened and
// compared. Formats, bindings, modes and owners stay.
tl::expected<RewrappedKeyFiles, Failure> RewrapKeyFiles(
    CommandContext& context, const Installation& installation);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMANDS_REWRAP_KEY_FILES_H_
