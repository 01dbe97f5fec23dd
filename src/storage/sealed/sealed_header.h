// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_HEADER_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_HEADER_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "keyring/key_wrapper.h"
#include "storage/file_id.h"

// The header of a sealed keyring file (docs/file_formats.md). Bytes only.
namespace openkeyring {

struct SealedHeader {
  FileId file_id{};
  uint64_t generation = 1;
  EncryptionContext context;  // Of the data key: all its pairs.
  std::string kms_key;        // As the configuration called it.
  WrappedKey data_key;        // kDataKeyBytes of them, wrapped.
};

constexpr size_t kDataKeyBytes = 32;

// Whether a file starts as a sealed one does, of whatever version. A file that
// is truncated within the magic counts.
bool LooksSealed(ByteView content);

// `data_key` is what header.data_key wraps. kInvalidArgument for a string that
// is too long for a field, and for an empty blob.
Result<Bytes> WriteSealedHeader(const SealedHeader& header,
                                const Secret& data_key);

struct ReadHeader {
  SealedHeader header;
  size_t size = 0;  // Records start here.
};
// From the first bytes of a file. kCorrupt when truncated or damaged,
// kMisconfigured for a version of newer software.
Result<ReadHeader> ReadSealedHeader(ByteView content);

// Proves, now that the data key is known, that nobody changed the header that
// `content` starts with. kCorrupt otherwise.
Status CheckSealedHeader(ByteView content, const ReadHeader& read,
                         const Secret& data_key);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_HEADER_H_
