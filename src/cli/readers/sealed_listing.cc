// SPDX-License-Identifier: MIT
#include "cli/readers/sealed_listing.h"

#include "base/encoding.h"
#include "storage/sealed/sealed_names.h"

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

// The names are borrowed from the content.
struct Listing {
  Bytes content;
  SealedNames names;

  void Fill(size_t i, StoredKey& key) const {
    const NamedKey& named = names.keys[i].key;
    key.id = named.data_id;
    key.owner = named.auth_id;
    key.type = named.type;
    key.bytes = named.size;
  }
};

}  // namespace

Status ListSealedFile(FileSystem& files, Log& log, StoredKeyring& keyring) {
  Result<Bytes> content = files.Read(keyring.place, kMaxSealed);
  if (!content) return content.error();
  Result<SealedNames> names = ListSealedNames(*content);
  if (!names) return names.error();
  const SealedHeader& header = names->header;
  keyring.format = "sealed " + std::to_string(VersionOf(header));
  AddSlots(header, keyring);
  keyring.facts = {{"file_id", HexEncode(header.file_id)},
                   {"generation", std::to_string(header.generation)}};
  if (!names->end.ok()) {
    log.Write(LogLevel::kWarning,
              keyring.place + " cannot be read from byte " +
                  std::to_string(names->good) + " on: " + names->end.message() +
                  "; keyringctl verify tells whether a crash left it so");
  }
  const size_t count = names->keys.size();
  const auto listing = std::make_shared<const Listing>(
      Listing{std::move(*content), std::move(*names)});
  keyring.keys = {
      count, [listing](size_t i, StoredKey& key) { listing->Fill(i, key); }};
  return Status::Ok();
}

}  // namespace openkeyring
