// SPDX-License-Identifier: MIT
#include "storage/sealed/slot_key.h"

#include <utility>

#include "keyring/checked_wrap.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {
Result<Secret> CheckDataKey(Secret opened) {
  if (opened.size() == kDataKeyBytes) return opened;
  return Status(StatusCode::kCorrupt, "its data key has the wrong size");
}

Result<GeneratedSlot> SlotKey::Generate(const SlotBinding&, const Deadline&) {
  return Status(StatusCode::kMisconfigured,
                SlotKindName(kind()) + " " + name() +
                    " cannot make the data key of a new file; configure a KMS "
                    "key");
}

KeySlot KmsSlotKey::Slot(WrappedKey wrapped) const {
  return {0,      kind(),
          name(), std::move(wrapped.wrapping_key),
          {},     std::move(wrapped.blob)};
}

bool KmsSlotKey::Owns(const KeySlot& slot) const {
  return slot.kind == kind() &&
         (slot.name == name() || slot.maker == wrapper_.CurrentKeyName());
}

bool KmsSlotKey::IsCurrent(const KeySlot& slot) const {
  return slot.name == name() && slot.parameters.empty();
}

Result<KeySlot> KmsSlotKey::Seal(const Secret& data_key,
                                 const SlotBinding& binding,
                                 const Deadline& deadline) {
  Result<WrappedKey> wrapped = WrapChecked(wrapper_, data_key, binding.context,
                                           StoredWith::kWrappingKey, deadline);
  if (!wrapped) return wrapped.error();
  return Slot(std::move(*wrapped));
}

Result<GeneratedSlot> KmsSlotKey::Generate(const SlotBinding& binding,
                                           const Deadline& deadline) {
  Result<GeneratedKey> made =
      GenerateChecked(wrapper_, kDataKeyBytes, binding.context, deadline);
  if (!made) return made.error();
  return GeneratedSlot{Slot(std::move(made->wrapped)), std::move(made->key)};
}

Result<Secret> KmsSlotKey::Open(const KeySlot& slot, const SlotBinding& file,
                                const Deadline& deadline) {
  const Result<EncryptionContext> context = ContextOf(slot, file.context);
  if (!context) return context.error();
  Result<UnwrappedKey> opened =
      wrapper_.Unwrap({slot.blob, slot.maker}, *context, deadline);
  if (!opened) return opened.error();
  return CheckDataKey(std::move(opened->key));
}

}  // namespace openkeyring
