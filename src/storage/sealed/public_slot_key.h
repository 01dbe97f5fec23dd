// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_PUBLIC_SLOT_KEY_H_
#define OPENKEYRING_STORAGE_SEALED_PUBLIC_SLOT_KEY_H_

#include <string>
#include <utility>

#include "crypto/rsa_oaep.h"
#include "storage/sealed/slot_key.h"

namespace openkeyring {

// The public half of a recovery key: makes slots that it cannot open.
class PublicKeySlotKey : public SlotKey {
 public:
  // `name` is what the configuration calls it: a path.
  PublicKeySlotKey(RsaPublicKey key, std::string name)
      : key_(std::move(key)), name_(std::move(name)) {}

  SlotKind kind() const override { return SlotKind::kPublicKey; }
  std::string name() const override { return name_; }
  bool CanOpen() const override { return false; }
  // By the fingerprint: a file may move.
  bool Owns(const KeySlot& slot) const override;
  bool IsCurrent(const KeySlot& slot) const override { return Owns(slot); }
  Result<KeySlot> Seal(const Secret& data_key, const SlotBinding& binding,
                       const Deadline& deadline) override;
  // kMisconfigured.
  Result<Secret> Open(const KeySlot& slot, const SlotBinding& file,
                      const Deadline& deadline) override;

 private:
  const RsaPublicKey key_;
  const std::string name_;
};

// The private half, for recovery: never on a database server.
class PrivateKeySlotKey : public SlotKey {
 public:
  PrivateKeySlotKey(RsaPrivateKey key, std::string name)
      : key_(std::move(key)), name_(std::move(name)) {}

  SlotKind kind() const override { return SlotKind::kPublicKey; }
  std::string name() const override { return name_; }
  bool Owns(const KeySlot& slot) const override;
  bool IsCurrent(const KeySlot& slot) const override { return Owns(slot); }
  // kMisconfigured: slots are made with the public half.
  Result<KeySlot> Seal(const Secret& data_key, const SlotBinding& binding,
                       const Deadline& deadline) override;
  Result<Secret> Open(const KeySlot& slot, const SlotBinding& file,
                      const Deadline& deadline) override;

 private:
  const RsaPrivateKey key_;
  const std::string name_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_PUBLIC_SLOT_KEY_H_
