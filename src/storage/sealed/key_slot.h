// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_KEY_SLOT_H_
#define OPENKEYRING_STORAGE_SEALED_KEY_SLOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key_wrapper.h"

// The key slots of a sealed keyring file (docs/file_formats.md, "Header,
// version 2"): each holds the file's data key, wrapped by another key. Bytes
// only.
namespace openkeyring {

// Files may have other kinds, of newer software: they are kept.
enum class SlotKind : uint16_t { kAwsKms = 1, kPublicKey = 2, kLocalFile = 3 };

// "aws-kms", "public-key", "local-file", or "unknown kind 7".
std::string SlotKindName(SlotKind kind);

struct KeySlot {
  uint16_t number = 1;  // Of the file's slots; 0 for one that is not in a file.
  SlotKind kind = SlotKind::kAwsKms;
  std::string name;   // As the configuration called the key.
  std::string maker;  // Which key made the blob: an ARN, or a fingerprint.
  Bytes parameters;
  Bytes blob;  // The data key, wrapped.
  bool operator==(const KeySlot&) const = default;
};

// As messages name it: "key slot 2 (aws-kms alias/b)", or "aws-kms alias/b" for
// one without number.
std::string ToString(const KeySlot& slot);

constexpr size_t kMaxSlots = 64;

// Pairs of an encryption context, as the header and slots have them.
void PutPairs(Bytes& out, const EncryptionContext& pairs);
// False when they are truncated, or have a name twice.
bool TakePairs(ByteReader& reader, EncryptionContext& pairs);

// What the blob of a slot of kind kAwsKms is bound to: its own pairs, or those
// of its file. kCorrupt when its parameters are not pairs.
Result<EncryptionContext> ContextOf(const KeySlot& slot,
                                    const EncryptionContext& file_context);

void PutSlots(Bytes& out, const std::vector<KeySlot>& slots);
// False when they are truncated, not ordered by their numbers, or have no blob.
bool TakeSlots(ByteReader& reader, std::vector<KeySlot>& slots);
// Whether PutSlots can write them and TakeSlots reads them.
bool CanBeWritten(const std::vector<KeySlot>& slots);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_KEY_SLOT_H_
