// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_OUTLINE_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_OUTLINE_H_

#include <cstdint>
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {

// What a sealed file says without its data key: names, types and sizes stand in
// the clear. Nothing proves them (the tags are not checked), so this is for
// showing a file to a person, and never for serving a key.
struct SealedOutline {
  struct Entry {
    std::string type;
    size_t bytes = 0;       // Of the key.
    uint64_t sequence = 0;  // Of its record.
  };
  std::map<KeyName, Entry> keys;
  // Bytes of the file up to the end of the last record that could be read; what
  // follows is torn or damaged.
  size_t good = 0;
};

// `content` is a complete file, and starts with `read`. A record that cannot be
// read ends the outline; it is not an error.
Result<SealedOutline> OutlineSealedFile(ByteView content,
                                        const ReadHeader& read);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_OUTLINE_H_
