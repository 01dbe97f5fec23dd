// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_MYSQL_FILES_COMPONENT_FILE_FORMAT_H_
#define OPENKEYRING_STORAGE_MYSQL_FILES_COMPONENT_FILE_FORMAT_H_

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "keyring/key.h"

// The data file of MySQL's component_keyring_file (docs/file_formats.md):
// JSON, in which `data` is the hex of the key itself. Bytes only.
namespace openkeyring {

// The most bytes of a file.
constexpr size_t kMaxPlainKeyring = size_t{64} << 20;

// Whether a file starts as one of MySQL's two file keyrings or of the JSON
// components does; the configuration decides which of these it is.
bool LooksLikeJsonKeyring(ByteView start);

// Every key of the file. The keys are taken out before the JSON library sees
// the rest, and are overwritten in `content`. An empty file has no key.
//
// kCorrupt for all that is not such a file, complete: also for two keys of one
// name, for data that is not hex and for a key without bytes; kMisconfigured
// for a version other than 1.0.
Result<std::vector<Key>> ReadPlainJsonKeyring(Secret& content);

// As the component writes it: compact, upper-case hex. kInvalidArgument for a
// name that JSON cannot hold.
Result<Secret> WritePlainJsonKeyring(const std::vector<const Key*>& keys);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_MYSQL_FILES_COMPONENT_FILE_FORMAT_H_
