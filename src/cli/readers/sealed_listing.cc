// SPDX-License-Identifier: MIT
#include "cli/readers/sealed_listing.h"

#include "base/encoding.h"
#include "storage/sealed/sealed_outline.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxSealed = size_t{1} << 30;

void AddSlots(const SealedHeader& header, StoredKeyring& keyring) {
  for (const KeySlot& slot : header.slots) {
    keyring.slots.push_back(
        {slot.number, SlotKindName(slot.kind), slot.name, slot.maker});
    if (slot.kind == SlotKind::kAwsKms) {
      keyring.wrapping_keys.push_back(slot.maker);
    }
  }
}

}  // namespace

Status ListSealedFile(FileSystem& files, Log& log, StoredKeyring& keyring) {
  const Result<Bytes> content = files.Read(keyring.place, kMaxSealed);
  if (!content) return content.error();
  const Result<ReadHeader> read = ReadSealedHeader(*content);
  if (!read) return read.error();
  const Result<SealedOutline> outline = OutlineSealedFile(*content, *read);
  if (!outline) return outline.error();
  keyring.format = "sealed " + std::to_string(read->version);
  AddSlots(read->header, keyring);
  keyring.facts = {{"file_id", HexEncode(read->header.file_id)},
                   {"generation", std::to_string(read->header.generation)}};
  if (outline->good < content->size()) {
    log.Write(LogLevel::kWarning,
              keyring.place + " cannot be read from byte " +
                  std::to_string(outline->good) +
                  " on: an incomplete record or damage; keyringctl verify "
                  "tells which");
  }
  keyring.keys.reserve(outline->keys.size());
  for (const auto& [name, entry] : outline->keys) {
    StoredKey key;
    key.id = name.data_id;
    key.owner = name.auth_id;
    key.type = entry.type;
    key.bytes = entry.bytes;
    keyring.keys.push_back(std::move(key));
  }
  return Status::Ok();
}

}  // namespace openkeyring
