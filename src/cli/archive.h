// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_ARCHIVE_H_
#define OPENKEYRING_CLI_ARCHIVE_H_

#include <string>
#include <vector>

#include "base/bytes.h"
#include "os/clock.h"

namespace openkeyring {

struct ArchiveEntry {
  std::string name;  // At most 99 bytes.
  std::string content;
};

// A tar archive (POSIX ustar) of regular files of mode 0600.
Bytes MakeTar(const std::vector<ArchiveEntry>& entries, WallTime modified);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_ARCHIVE_H_
