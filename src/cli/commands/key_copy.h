// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMANDS_KEY_COPY_H_
#define OPENKEYRING_CLI_COMMANDS_KEY_COPY_H_

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/keyring_store.h"

// What `migrate` and `convert` have in common.
namespace openkeyring {

// The keys of one keyring, looked up in another.
struct KeyComparison {
  std::vector<const Key*> missing;  // Of the first, in the second.
  size_t equal = 0;
  std::vector<std::string> different;  // Of one name, not of one value.
};
KeyComparison CompareKeys(const std::vector<Key>& source,
                          const std::vector<Key>& target);

// Copies all keys that `to` lacks, after a confirmation, and then reads `to`
// again and compares every key; and `from`, which must be as it was. Refused,
// with nothing changed, when `to` has another key under a name of `from`.
// `command` is the name in the schema.
Outcome CopyKeys(CommandContext& context, const char* command,
                 KeyringStore& from, KeyringStore& to);

// `convert` for MariaDB's key files: into a new directory.
Outcome ConvertKeyFiles(CommandContext& context,
                        const Installation& installation, bool bound);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMANDS_KEY_COPY_H_
