// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMANDS_RECOVER_KEY_SET_H_
#define OPENKEYRING_CLI_COMMANDS_RECOVER_KEY_SET_H_

#include <string>

#include "cli/command.h"
#include "cli/keyring_store.h"
#include "cli/sealed_keyring.h"

namespace openkeyring {

// `recover` for MariaDB's key set: the keys of `from` into a key set in the new
// directory `output`, for the same installation, under the KMS keys that are
// configured. It has its name once it is complete, durable, and was opened by
// KMS and compared.
Outcome RecoverKeySet(CommandContext& context, const SealedPlace& place,
                      KeyringStore& from, const std::string& output);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMANDS_RECOVER_KEY_SET_H_
