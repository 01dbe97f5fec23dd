// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_EMPTY_DIRECTORY_H_
#define OPENKEYRING_OS_EMPTY_DIRECTORY_H_

#include <string>

#include "os/file_system.h"

namespace openkeyring {

// Whether mysqld --initialize would take `directory` as a new data directory:
// it is there and has nothing but hidden names and "lost+found". A file of ours
// in it would make the server refuse it (MY-010457). False when it cannot be
// listed.
bool IsEmptyDirectory(FileSystem& files, const std::string& directory);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_EMPTY_DIRECTORY_H_
