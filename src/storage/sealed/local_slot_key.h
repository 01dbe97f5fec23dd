// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_LOCAL_SLOT_KEY_H_
#define OPENKEYRING_STORAGE_SEALED_LOCAL_SLOT_KEY_H_

#include <functional>
#include <string>
#include <utility>

#include "os/random.h"
#include "storage/sealed/slot_key.h"

namespace openkeyring {

constexpr size_t kLocalSecretBytes = 32;

// A secret of kLocalSecretBytes in a local file: the last resort, when no key
// server can be used. Its slots are sealed with AES-256-GCM
// (docs/file_formats.md, "local-file").
class LocalFileSlotKey : public SlotKey {
 public:
  using ReadSecret = std::function<Result<Secret>()>;

  // `read` is called each time that the secret is needed; whether the file may
  // be used is its business. `name` is the path. `random` is borrowed.
  LocalFileSlotKey(ReadSecret read, std::string name, Random& random)
      : read_(std::move(read)), name_(std::move(name)), random_(random) {}

  SlotKind kind() const override { return SlotKind::kLocalFile; }
  std::string name() const override { return name_; }
  bool IsLastResort() const override { return true; }
  // Whether its secret made the slot; by the name where it cannot be read.
  bool Owns(const KeySlot& slot) const override;
  bool IsCurrent(const KeySlot& slot) const override { return Owns(slot); }
  Result<KeySlot> Seal(const Secret& data_key, const SlotBinding& binding,
                       const Deadline& deadline) override;
  Result<Secret> Open(const KeySlot& slot, const SlotBinding& file,
                      const Deadline& deadline) override;

 private:
  Result<Secret> Read() const;

  const ReadSecret read_;
  const std::string name_;
  Random& random_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_LOCAL_SLOT_KEY_H_
