// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_NEW_FILE_OWNER_H_
#define OPENKEYRING_PRODUCT_NEW_FILE_OWNER_H_

#include <optional>
#include <string>

#include "os/file_system.h"

namespace openkeyring {

// Who a new keyring file at `path` belongs to, when root makes it: a server
// that root starts does so before it becomes another user, and so does
// mysql_migrate_keyring run by root, which passes no data directory, or another
// one. The owner of the directory that the file lies in; where that is root, of
// `data_directory` ("" is the current one). Nothing when neither can be told.
std::optional<FileOwner> OwnerOfNewFile(FileSystem& files,
                                        const std::string& path,
                                        const std::string& data_directory);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_NEW_FILE_OWNER_H_
