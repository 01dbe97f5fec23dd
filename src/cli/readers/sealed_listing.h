// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_READERS_SEALED_LISTING_H_
#define OPENKEYRING_CLI_READERS_SEALED_LISTING_H_

#include "base/log.h"
#include "cli/stored_keyring.h"

namespace openkeyring {

// Fills in what the sealed file at keyring.place says without any key: format,
// slots, facts, keys. A warning when a part of it cannot be read.
Status ListSealedFile(FileSystem& files, Log& log, StoredKeyring& keyring);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_READERS_SEALED_LISTING_H_
