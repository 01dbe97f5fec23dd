// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MYSQL_FILES_PLUGIN_FILE_FORMAT_H_
#define OPENKEYRING_STORAGE_MYSQL_FILES_PLUGIN_FILE_FORMAT_H_

#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "keyring/key.h"

// The data file of the plugin keyring_file, which MySQL had before 8.4
// (docs/file_formats.md). Read only. Bytes only.
namespace openkeyring {

bool LooksLikePluginFile(ByteView start);

// Every key of the file, of version 1.0 or 2.0, in the byte order and word size
// of whatever machine wrote it. kCorrupt for all that is not such a file,
// complete, with the right checksum where it has one; also for two keys of one
// name.
Result<std::vector<Key>> ReadPluginFile(const Secret& content);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MYSQL_FILES_PLUGIN_FILE_FORMAT_H_
