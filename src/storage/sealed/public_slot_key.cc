// SPDX-License-Identifier: MIT
#include "storage/sealed/public_slot_key.h"

namespace openkeyring {

bool PublicKeySlotKey::Owns(const KeySlot& slot) const {
  return slot.kind == kind() &&
         slot.maker == FingerprintText(key_.fingerprint());
}

Result<KeySlot> PublicKeySlotKey::Seal(const Secret& data_key,
                                       const SlotBinding&, const Deadline&) {
  Result<Bytes> blob = key_.Encrypt(data_key);
  if (!blob) return blob.error();
  return KeySlot{0,     kind(),
                 name_, FingerprintText(key_.fingerprint()),
                 {},    std::move(*blob)};
}

Result<Secret> PublicKeySlotKey::Open(const KeySlot&, const SlotBinding&,
                                      const Deadline&) {
  return Status(StatusCode::kMisconfigured,
                name_ +
                    " is a public key, which cannot open a key slot; "
                    "recover with its private key");
}

bool PrivateKeySlotKey::Owns(const KeySlot& slot) const {
  return slot.kind == kind() &&
         slot.maker == FingerprintText(key_.fingerprint());
}

Result<KeySlot> PrivateKeySlotKey::Seal(const Secret&, const SlotBinding&,
                                        const Deadline&) {
  return Status(StatusCode::kMisconfigured,
                name_ +
                    " is a private key; key slots are made with the "
                    "public key");
}

Result<Secret> PrivateKeySlotKey::Open(const KeySlot& slot, const SlotBinding&,
                                       const Deadline&) {
  Result<Secret> opened = key_.Decrypt(slot.blob);
  if (!opened) return opened.error();
  return CheckDataKey(std::move(*opened));
}

}  // namespace openkeyring
