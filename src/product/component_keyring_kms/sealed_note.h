// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_SEALED_NOTE_H_
#define OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_SEALED_NOTE_H_

#include <optional>
#include <string>

#include "base/status.h"
#include "os/file_system.h"
#include "os/random.h"

// The note in a server's data directory that its keyring is a sealed file
// (docs/file_formats.md, "The note of a sealed file"). Percona's component
// makes empty files, so an empty file alone does not say whether it ever held a
// key; a sealed file is never empty.
namespace openkeyring {

constexpr char kSealedNote[] = "component_keyring_kms.sealed";

// For a file in Percona's format that is empty or missing: kCorrupt when the
// note is there, or cannot be looked for. Ok without a data directory ("").
Status CheckMayBeEmpty(FileSystem& files, const std::string& data_directory,
                       const std::string& keyring_path);

// Writes the note unless it is there. Durable. Not into an empty directory, of
// which mysqld --initialize makes a data directory and which it would refuse
// with a file in it: the first start after it does that.
Status NoteSealedFile(FileSystem& files, Random& random,
                      const std::string& data_directory,
                      std::optional<FileOwner> owner);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_COMPONENT_KEYRING_KMS_SEALED_NOTE_H_
