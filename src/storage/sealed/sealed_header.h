// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_HEADER_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_HEADER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "keyring/key_wrapper.h"
#include "storage/file_id.h"
#include "storage/sealed/key_slot.h"

// The header of a sealed keyring file (docs/file_formats.md). Bytes only.
namespace openkeyring {

struct SealedHeader {
  FileId file_id{};
  uint64_t generation = 1;
  // Whether the log may have records that put several keys at once.
  bool put_all = false;
  EncryptionContext context;   // All pairs that the slots are bound to.
  std::vector<KeySlot> slots;  // At least one, by rising number.
  bool operator==(const SealedHeader&) const = default;
};

constexpr size_t kDataKeyBytes = 32;

// Whether a file starts as a sealed one does, of whatever version. A file that
// is truncated within the magic counts.
bool LooksSealed(ByteView content);

// 1 for a header that has one slot of KMS and nothing else that the first
// version cannot say; else 2.
uint16_t VersionOf(const SealedHeader& header);

// In the version that VersionOf says; a slot of version 1 loses its number.
// `data_key` is what the slots wrap. kInvalidArgument for a string that is too
// long for a field, for an empty blob and for no or too many slots.
Result<Bytes> WriteSealedHeader(const SealedHeader& header,
                                const Secret& data_key);

struct ReadHeader {
  SealedHeader header;
  uint16_t version = 1;
  size_t size = 0;  // Records start here.
};
// From the first bytes of a file. kCorrupt when truncated or damaged,
// kMisconfigured for a version or features of newer software.
Result<ReadHeader> ReadSealedHeader(ByteView content);

// Proves, now that the data key is known, that nobody changed the header that
// `content` starts with. kCorrupt otherwise.
Status CheckSealedHeader(ByteView content, const ReadHeader& read,
                         const Secret& data_key);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_HEADER_H_
