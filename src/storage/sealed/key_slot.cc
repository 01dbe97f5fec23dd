// SPDX-License-Identifier: MIT
#include "storage/sealed/key_slot.h"

#include <algorithm>

namespace openkeyring {
namespace {

bool TakeSlot(ByteReader& reader, KeySlot& slot) {
  uint16_t kind = 0;
  ByteView name, maker, parameters, blob;
  if (!reader.TakeNumber(slot.number) || !reader.TakeNumber(kind) ||
      !reader.TakeField(name) || !reader.TakeField(maker) ||
      !reader.TakeField(parameters) || !reader.TakeField(blob)) {
    return false;
  }
  slot.kind = static_cast<SlotKind>(kind);
  slot.name = AsText(name);
  slot.maker = AsText(maker);
  slot.parameters.assign(parameters.begin(), parameters.end());
  slot.blob.assign(blob.begin(), blob.end());
  return true;
}

}  // namespace

std::string SlotKindName(SlotKind kind) {
  switch (kind) {
    case SlotKind::kAwsKms:
      return "aws-kms";
    case SlotKind::kPublicKey:
      return "public-key";
    case SlotKind::kLocalFile:
      return "local-file";
  }
  return "unknown kind " + std::to_string(static_cast<uint16_t>(kind));
}

std::string ToString(const KeySlot& slot) {
  const std::string key = SlotKindName(slot.kind) + " " + slot.name;
  if (slot.number == 0) return key;
  return "key slot " + std::to_string(slot.number) + " (" + key + ")";
}

void PutPairs(Bytes& out, const EncryptionContext& pairs) {
  PutNumber(out, static_cast<uint16_t>(pairs.size()));
  for (const auto& [name, value] : pairs) {
    PutField(out, AsBytes(name));
    PutField(out, AsBytes(value));
  }
}

bool TakePairs(ByteReader& reader, EncryptionContext& pairs) {
  uint16_t count = 0;
  if (!reader.TakeNumber(count)) return false;
  for (int i = 0; i < count; ++i) {
    ByteView name, value;
    if (!reader.TakeField(name) || !reader.TakeField(value) ||
        !pairs.emplace(AsText(name), AsText(value)).second) {
      return false;
    }
  }
  return true;
}

Result<EncryptionContext> ContextOf(const KeySlot& slot,
                                    const EncryptionContext& file_context) {
  if (slot.parameters.empty()) return file_context;
  EncryptionContext context;
  ByteReader reader(slot.parameters);
  if (TakePairs(reader, context) && reader.AtEnd()) return context;
  return Status(StatusCode::kCorrupt,
                "the encryption context in its parameters does not add up");
}

void PutSlots(Bytes& out, const std::vector<KeySlot>& slots) {
  PutNumber(out, static_cast<uint16_t>(slots.size()));
  for (const KeySlot& slot : slots) {
    PutNumber(out, slot.number);
    PutNumber(out, static_cast<uint16_t>(slot.kind));
    PutField(out, AsBytes(slot.name));
    PutField(out, AsBytes(slot.maker));
    PutField(out, slot.parameters);
    PutField(out, slot.blob);
  }
}

bool TakeSlots(ByteReader& reader, std::vector<KeySlot>& slots) {
  uint16_t count = 0;
  if (!reader.TakeNumber(count) || count > kMaxSlots) return false;
  slots.resize(count);
  return std::ranges::all_of(
             slots, [&](KeySlot& slot) { return TakeSlot(reader, slot); }) &&
         CanBeWritten(slots);
}

bool CanBeWritten(const std::vector<KeySlot>& slots) {
  uint16_t last = 0;
  for (const KeySlot& slot : slots) {
    if (slot.number <= last || slot.blob.empty()) return false;
    last = slot.number;
    for (const size_t size : {slot.name.size(), slot.maker.size(),
                              slot.parameters.size(), slot.blob.size()}) {
      if (size > kMaxField) return false;
    }
  }
  return !slots.empty() && slots.size() <= kMaxSlots;
}

}  // namespace openkeyring
