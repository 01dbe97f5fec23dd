// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_KEY_SLOTS_H_
#define OPENKEYRING_STORAGE_SEALED_KEY_SLOTS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "os/clock.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/slot_key.h"

namespace openkeyring {

// Something about one key slot of a file, or about a configured key that has
// none.
struct SlotProblem {
  KeySlot slot;  // Number 0: a configured key without a slot.
  Status status;
};

struct OpenedSlots {
  Secret data_key;
  KeySlot slot;  // Which gave it.
  bool last_resort = false;
  std::vector<SlotProblem> failures;  // Of slots that were tried before.
};

// A header, changed as the configuration has it, and what could not be changed.
struct UpdatedSlots {
  SealedHeader header;
  bool changed = false;
  std::vector<KeySlot> added, rewrapped;
  std::vector<SlotProblem> missing;  // Could not be added.
  std::vector<SlotProblem> stale;    // Could not be wrapped again.
};

struct GeneratedSlots {
  std::vector<KeySlot> slots;  // Numbered from 1.
  std::vector<size_t> keys;    // Which made them, by index.
  Secret data_key;
  std::vector<SlotProblem> missing;
};

// Which configured key and which slot of a file belong together, by index.
struct SlotMatch {
  std::vector<std::optional<size_t>> slot_of_key, key_of_slot;
};

// The keys that the configuration names for a sealed file, in its order, and
// what they do to the file's key slots (docs/file_formats.md, "How key slots
// are opened and changed"). Knows headers, no files.
//
// Threads: all methods may be called concurrently. None is left when a method
// returns.
class KeySlots {
 public:
  // `clock` is borrowed. The next key is tried when the one before has failed
  // or has not answered for `patience`.
  KeySlots(std::vector<std::unique_ptr<SlotKey>> keys, Clock& clock,
           Millis patience = Millis(1000));
  // Of one key: nothing is ever started because something else is late.
  explicit KeySlots(std::unique_ptr<SlotKey> key);

  const std::vector<std::unique_ptr<SlotKey>>& keys() const { return keys_; }
  SlotMatch Match(const SealedHeader& header) const;

  // The data key of the file that `content` starts with; it fits the header's
  // MAC. `last_resort`: whether keys that are the last resort may be tried. The
  // error names every slot that failed, and is transient when one of them is;
  // for a file with one slot it is that slot's.
  Result<OpenedSlots> Open(ByteView content, const ReadHeader& read,
                           bool last_resort, const Deadline& deadline) const;
  // Opens each slot that a configured key may open: Ok, or why not.
  std::vector<SlotProblem> OpenEach(ByteView content, const ReadHeader& read,
                                    const Deadline& deadline) const;

  // What Update would do: a slot without number for each configured key that
  // has none, and the slots to be wrapped again. Asks nobody.
  Result<std::vector<KeySlot>> Pending(const SealedHeader& header,
                                       const EncryptionContext& context) const;
  // The header with a slot for each key, and with slots wrapped again that are
  // not as their keys would make them now; `context` is what they are bound to.
  // All other slots stay.
  Result<UpdatedSlots> Update(SealedHeader header, const Secret& data_key,
                              const EncryptionContext& context,
                              const Deadline& deadline) const;
  // A new data key, made by the first key that can, and its slots. An error
  // when none can.
  Result<GeneratedSlots> Generate(const SlotBinding& binding,
                                  const Deadline& deadline) const;

 private:
  struct Attempt {
    size_t key = 0, slot = 0;
  };
  using Attempts = std::vector<Attempt>;

  using Call = std::function<bool(size_t index, const Deadline&)>;
  std::optional<size_t> FirstOf(size_t count, const Deadline& deadline,
                                const Call& call) const;
  size_t CountKeys(SlotKind kind) const;
  bool MayOpen(size_t key, bool last_resort) const;
  Attempts OwnAttempts(const SealedHeader& header, bool last_resort) const;
  Attempts ForeignAttempts(const SealedHeader& header) const;
  bool TryEach(ByteView content, const ReadHeader& read,
               const Attempts& attempts, OpenedSlots& opened,
               const Deadline& deadline) const;
  bool Race(ByteView content, const ReadHeader& read, const Attempts& attempts,
            OpenedSlots& opened, const Deadline& deadline) const;
  Result<Secret> OpenOne(ByteView content, const ReadHeader& read,
                         const Attempt& attempt,
                         const Deadline& deadline) const;
  Status NoneOpened(const SealedHeader& header,
                    const std::vector<SlotProblem>& failures) const;
  KeySlot SlotWithoutNumber(size_t key) const;
  void TakeSealed(const SlotMatch& match, size_t key, Result<KeySlot> sealed,
                  UpdatedSlots& updated) const;
  std::vector<size_t> KeysToSeal(const SealedHeader& bound,
                                 const SlotMatch& match) const;
  Deadline DeadlineToSeal(const Deadline& deadline) const;
  Result<GeneratedSlot> GenerateByOne(const SlotBinding& binding,
                                      const Deadline& deadline,
                                      size_t& by) const;

  const std::vector<std::unique_ptr<SlotKey>> keys_;
  Clock* const clock_;  // Null with one key.
  const Millis patience_;
};

// The same header with other pairs in it: each slot is bound to what it was.
// kCorrupt when the parameters of a slot cannot be read.
Result<SealedHeader> WithContext(SealedHeader header,
                                 const EncryptionContext& context);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_KEY_SLOTS_H_
