// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_ENCRYPTED_DATA_H_
#define OPENKEYRING_PRODUCT_ENCRYPTED_DATA_H_

#include <optional>
#include <string>

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

// kMisconfigured when there is such a file; names it. `what` is the keyring
// that was not found, e.g. "keyring file /x". Ok in a program that copies keys
// into a new keyring on purpose (mysql_migrate_keyring).
Status CheckNewKeyringFitsData(FileSystem& files,
                               const std::string& data_directory,
                               const std::string& what);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_ENCRYPTED_DATA_H_
