// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_READERS_WRAPPED_KEYS_H_
#define OPENKEYRING_CLI_READERS_WRAPPED_KEYS_H_

#include <string>
#include <vector>

#include "cli/interruption.h"
#include "cli/product_options.h"
#include "cli/stored_keyring.h"
#include "keyring/key_wrapper.h"

namespace openkeyring {

// A key that is wrapped on its own.
struct WrappedEntry {
  std::string what;  // For messages.
  WrappedKey wrapped;
  EncryptionContext binding;
  KeyName name = {};  // For the watcher; of MySQL's keys.
};

// Has KMS open each of them, several at a time, and forgets what it gives. A
// key that KMS refuses is a problem of its own. When KMS is away, that is the
// failure, after as many calls as run at a time: the rest cannot be judged.
// `place` is where they are stored. `watcher` is shown the keys, one at a time,
// unless it is empty.
tl::expected<Verification, Failure> UnwrapAll(
    const KmsAccess& kms, const std::string& place,
    const std::vector<WrappedEntry>& entries,
    const KeyringReader::Progress& progress,
    const KeyringReader::Watcher& watcher = {});

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_READERS_WRAPPED_KEYS_H_
