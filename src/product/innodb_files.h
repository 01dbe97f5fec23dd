// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_INNODB_FILES_H_
#define OPENKEYRING_PRODUCT_INNODB_FILES_H_

#include <cstdint>
#include <set>
#include <string>

#include "os/file_system.h"

namespace openkeyring {

// What InnoDB's files say about encryption, read from their first pages only.
// A file that cannot be read, or is of a form that is not known, says nothing.

// A file of this data directory that is encrypted, "" when none is plainly so:
// the redo log by its header, the system tablespace by the crypt data on its
// first page.
std::string FindEncryptedData(FileSystem& files, const std::string& directory);

// The first tablespace of a table, in this directory or in one of a database
// below it, of which no page is plain; "" when there is none. Looks at no more
// than 10,000.
std::string FindEncryptedTable(FileSystem& files, const std::string& directory);

// The ids of the keys that the tablespaces in a data directory or a backup of
// one need: *.ibd and the *.delta of an incremental backup, also those of
// databases (one level of directories).
std::set<uint32_t> FindKeyIds(FileSystem& files, const std::string& directory);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_INNODB_FILES_H_
