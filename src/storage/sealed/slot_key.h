// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SLOT_KEY_H_
#define OPENKEYRING_STORAGE_SEALED_SLOT_KEY_H_

#include <string>
#include <utility>

#include "base/result.h"
#include "base/secret.h"
#include "keyring/key_wrapper.h"
#include "os/clock.h"
#include "storage/file_id.h"
#include "storage/sealed/key_slot.h"

namespace openkeyring {

// What key slots are bound to.
struct SlotBinding {
  FileId file_id{};
  EncryptionContext context;
};

struct GeneratedSlot {
  KeySlot slot;
  Secret data_key;
};

// A key that the configuration names, and that wraps the data key of a sealed
// file: a KMS key, a public key, a secret in a local file. A port.
//
// Errors: as KeyWrapper's. kCorrupt when the key looked at a slot and refused
// it; kMisconfigured for what a person must fix; never kNotFound.
// Threads: all methods may be called concurrently.
class SlotKey {
 public:
  virtual ~SlotKey() = default;

  virtual SlotKind kind() const = 0;
  // As the configuration calls it.
  virtual std::string name() const = 0;
  // False for a public key, whose private half is elsewhere.
  virtual bool CanOpen() const { return true; }
  // Whether it may open a file only when every other key has failed, and a file
  // may not depend on it alone.
  virtual bool IsLastResort() const { return false; }

  // Whether this key made the slot, as far as can be said without asking
  // anybody.
  virtual bool Owns(const KeySlot& slot) const = 0;
  // Whether a slot that this key owns is as it would make it now, bound to its
  // file's context; else it is to be wrapped again.
  virtual bool IsCurrent(const KeySlot& slot) const = 0;

  // A slot without number, bound to `binding`. Where the key can open it, that
  // has been done, and the result was the data key.
  virtual Result<KeySlot> Seal(const Secret& data_key,
                               const SlotBinding& binding,
                               const Deadline& deadline) = 0;
  // A new random data key and its slot, which has been opened once.
  // kMisconfigured for a key that cannot make one.
  virtual Result<GeneratedSlot> Generate(const SlotBinding& binding,
                                         const Deadline& deadline);
  // What the slot wraps: kDataKeyBytes. `file` is what the header says. Any
  // slot of this kind may be tried, not only its own.
  virtual Result<Secret> Open(const KeySlot& slot, const SlotBinding& file,
                              const Deadline& deadline) = 0;
};

// A slot is bound to its encryption context.
class KmsSlotKey : public SlotKey {
 public:
  // `wrapper` is borrowed. `name` is what the configuration calls the key where
  // that is not the wrapper's CurrentKeyName, which several regions may share.
  explicit KmsSlotKey(KeyWrapper& wrapper, std::string name = "")
      : wrapper_(wrapper), name_(std::move(name)) {}

  SlotKind kind() const override { return SlotKind::kAwsKms; }
  std::string name() const override {
    return name_.empty() ? wrapper_.CurrentKeyName() : name_;
  }
  // By the name, or by the ARN when that is the name.
  bool Owns(const KeySlot& slot) const override;
  bool IsCurrent(const KeySlot& slot) const override;
  Result<KeySlot> Seal(const Secret& data_key, const SlotBinding& binding,
                       const Deadline& deadline) override;
  Result<GeneratedSlot> Generate(const SlotBinding& binding,
                                 const Deadline& deadline) override;
  Result<Secret> Open(const KeySlot& slot, const SlotBinding& file,
                      const Deadline& deadline) override;

 private:
  KeySlot Slot(WrappedKey wrapped) const;

  KeyWrapper& wrapper_;
  const std::string name_;
};

// The data key, when it can be one. kCorrupt otherwise.
Result<Secret> CheckDataKey(Secret opened);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SLOT_KEY_H_
