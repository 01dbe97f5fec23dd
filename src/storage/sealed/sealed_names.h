// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_NAMES_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_NAMES_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/sealed_record.h"

namespace openkeyring {

struct SealedName {
  NamedKey key;
  uint64_t sequence = 0;
};

struct SealedNames {
  SealedHeader header;
  std::vector<SealedName> keys;  // By name; borrowed from the content.
  size_t good = 0;               // Bytes that could be read, header included.
  // The last record, when nothing behind it shows that it was ever complete: a
  // crash may have torn it. 0 for none.
  uint64_t unproven = 0;
  // Ok, or why the rest could not be read. A crash may have torn it.
  Status end;
};

// What a sealed file shows without its data key. Nothing of it is verified:
// whoever can write the file can make it say anything, so it is for people to
// look at. kCorrupt or kMisconfigured when the header cannot be read.
Result<SealedNames> ListSealedNames(ByteView content);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_NAMES_H_
