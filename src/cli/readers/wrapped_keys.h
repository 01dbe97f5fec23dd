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

// True for a key that was not read, and of which nothing is known for that: the
// key server did not answer or denied the request, or a file was not to be read
// just now. Not a problem of the key, and no reason to restore a backup.
bool LeavesKeyUnknown(const Status& status);

// A key that is wrapped on its own.
struct WrappedEntry {
  std::string what;  // For messages.
  WrappedKey wrapped;
  EncryptionContext binding;
  KeyName name = {};  // For the watcher; of MySQL's keys.
};

// Has KMS open each of them, several at a time, and forgets what it gives. A
// key that is bad by what KMS says is a problem of its own. When KMS is away,
// or denies the request, that is the failure, after as many calls as run at a
// time: the rest cannot be judged. `place` is where they are stored. `watcher`
// is shown the keys, one at a time, unless it is empty.
tl::expected<Verification, Failure> UnwrapAll(
    const KmsAccess& kms, const std::string& place,
    const std::vector<WrappedEntry>& entries,
    const KeyringReader::Progress& progress,
    const KeyringReader::Watcher& watcher = {});

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_READERS_WRAPPED_KEYS_H_
