// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_READERS_NEWEST_JSON_H_
#define OPENKEYRING_CLI_READERS_NEWEST_JSON_H_

#include <string>

#include "base/log.h"
#include "os/file_system.h"
#include "storage/percona/json_keyring_format.h"

namespace openkeyring {

// The JSON keyring at `path` as a start would take it: a backup beside it that
// a crash left may be newer. Changes nothing.
Result<JsonKeyring> ReadNewestJson(FileSystem& files, const std::string& path,
                                   Log& log);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_READERS_NEWEST_JSON_H_
