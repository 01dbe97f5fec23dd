// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMANDS_KEYRING_COMMAND_H_
#define OPENKEYRING_CLI_COMMANDS_KEYRING_COMMAND_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/discovery.h"
#include "cli/stored_keyring.h"

// What the commands that look at one keyring have in common.
namespace openkeyring {

struct OpenedKeyring {
  Installation installation;
  std::unique_ptr<KeyringReader> reader;
  std::string backup;  // The directory of a backup that it is in, or "".
};
// --path may name the directory of a backup: then it is the keyring in there.
tl::expected<OpenedKeyring, Failure> OpenKeyring(CommandContext& context,
                                                 Needs needs);
// Finds the keyring and lists it; says in the output who has it locked.
tl::expected<StoredKeyring, Failure> ListKeyring(CommandContext& context);

// "3d", "5h", "2y": one unit, rounded down; "-" for nothing, "0s" for the
// future.
std::string AgeText(const std::optional<WallTime>& created, WallTime now);

// The members of a keyring but its keys.
nlohmann::ordered_json JsonOf(const StoredKeyring& keyring, WallTime now);
// Appends a key as a JSON object. Text, because there may be 100,000 of them.
void AppendJson(const StoredKey& key, WallTime now, std::string& json);

// Lines of "name: value" that say what and where the keyring is.
void PrintSummary(const StoredKeyring& keyring, Output& out);
// As a table. Columns that are empty in every row are left out.
void PrintKeys(const StoredKeys& keys, WallTime now, Output& out);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMANDS_KEYRING_COMMAND_H_
