// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_ENCRYPTED_DATA_H_
#define OPENKEYRING_PRODUCT_ENCRYPTED_DATA_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "os/file_system.h"

// Whether a MySQL data directory holds data that need a key. Asked only where
// no keyring was found and a new one would be made: then keys have been lost,
// or the configuration looks in the wrong place.
namespace openkeyring {

// The path of a file that is certainly encrypted: a tablespace, a redo log or
// a binary log. Looks at the first bytes of at most 1,000 files; a file that
// cannot be read does not count.
std::optional<std::string> FindEncryptedFile(FileSystem& files,
                                             const std::string& data_directory);

// A keyring that would be made.
struct NewKeyring {
  std::string missing;  // What was not found, e.g. "keyring file /x".
  std::string option;   // What a person sets to have it made all the same.
  std::string product;  // As its library is called, without ".so".
};

// kMisconfigured when there is such a file; names it. Ok in a program that
// copies keys into the new keyring on purpose.
Status CheckNewKeyringFitsData(FileSystem& files,
                               const std::string& data_directory,
                               const NewKeyring& keyring);

// Whether a command line, each argument ended by a zero byte, is that of a
// program that copies keys into a keyring of this product:
// mysql_migrate_keyring, or mysqld with --keyring-migration-destination.
bool CopiesKeysInto(const std::string& product, std::string_view command_line);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_ENCRYPTED_DATA_H_
