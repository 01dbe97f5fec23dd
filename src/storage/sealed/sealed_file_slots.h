// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_SEALED_FILE_SLOTS_H_
#define OPENKEYRING_STORAGE_SEALED_SEALED_FILE_SLOTS_H_

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "storage/keyring_file.h"
#include "storage/sealed/key_slots.h"
#include "storage/sealed/sealed_file.h"

namespace openkeyring {

enum class SlotState {
  kOpened,   // By this process: it opened the file, or was checked.
  kFailed,   // See `problem`.
  kUntried,  // Another one opened the file before.
  kForeign,  // In the file, and not in the configuration.
  kMissing,  // In the configuration, and not in the file; see `problem`.
  kStale,    // Of a configured key, and not as the configuration has it: under
             // another KMS key or context, and not wrapped again; `problem`.
};
struct SlotStatus {
  KeySlot slot;
  SlotState state = SlotState::kUntried;
  Status problem;
};

// "there is no key slot for ... yet; it is added at a later load: why": of a
// configured key, for people.
std::string MissingSlotText(const SlotProblem& problem);

// The key slots of a sealed file that is open: how it was opened, what becomes
// of its slots, and what people should know about them.
//
// Threads: all methods may be called concurrently. The mutex, which guards the
// file, is held while it is written, never during a call of a key server, and
// never when a key is asked, which may read a file.
class SealedFileSlots {
 public:
  // What the configuration has.
  struct Wanted {
    EncryptionContext own_context, encryption_context;  // Without the file id.
    bool read_only = false, first_load = true, must_rewrap = false;
    EncryptionContext ContextOf(const FileId& file_id) const;
  };

  // All but `wanted` are borrowed.
  SealedFileSlots(const KeySlots& keys, SealedFile& sealed, KeyringFile& file,
                  std::mutex& mutex, Log& log, Wanted wanted);

  const Wanted& wanted() const { return wanted_; }

  // The mutex is held: the file was just opened, or made.
  void TakeOpened(const OpenedSlots& opened);
  void TakeCreated(const SealedHeader& header,
                   std::vector<SlotProblem> missing);
  void LogOpened() const;

  // Adds the slots that are missing and wraps again what is not as configured.
  // With one key and one slot it is an error when that fails, except while
  // `first_load`; otherwise it is a warning, and the slots show it. Of one that
  // `must_rewrap` every failure is an error, after the other slots were done.
  Status Update(const SealedFile::Keys& keys, const Deadline& deadline);

  // Slots of the file, and behind them those that are missing.
  std::vector<SlotStatus> List() const;
  // Whether it is the slot of a configured key; another one may have opened the
  // file all the same.
  bool IsConfigured(uint16_t number) const;
  KeySlot opened() const;  // Which slot opened the file.
  bool opened_by_last_resort() const;

  // Tries every slot that a configured key may open, as List() then shows.
  void OpenEach(const Deadline& deadline);
  // kInvalidArgument unless another slot than this one was opened by this
  // object, and when no KMS key would be left. This revokes nothing: Reseal
  // does.
  Status Remove(uint16_t number);
  // What Remove would say after a load that may write, which adds slots: these
  // are made, and not kept. Changes nothing.
  Status MayRemove(uint16_t number, const Deadline& deadline) const;
  // A new data key, all records rewritten, a slot for each configured key.
  // Gives the slots that are gone afterwards, with the reasons.
  Result<std::vector<SlotProblem>> Reseal(const Deadline& deadline);

 private:
  SealedHeader Header() const;
  Secret DataKey() const;
  SlotStatus StatusOf(const KeySlot& slot, bool foreign) const;
  Status WhyNotUpdated() const;
  Status UpdateOnly(const SealedFile::Keys& keys, const Deadline& deadline);
  Status RewrapOnly(const SealedFile::Keys& keys, const Deadline& deadline);
  Status UpdateSeveral(const std::vector<KeySlot>& pending,
                       const SealedFile::Keys& keys, const Deadline& deadline);
  Status NotReplaced(const UpdatedSlots& updated, const std::string& made,
                     const Status& why);
  void KeepPending(const std::vector<KeySlot>& pending, const Status& why);
  Status ErrorOfFirst(const std::vector<SlotProblem>& problems) const;
  void KeepProblems(const std::vector<SlotProblem>& problems);
  void MarkMade(const std::vector<KeySlot>& slots);
  std::vector<SlotProblem> Renumber(const SealedHeader& old,
                                    GeneratedSlots& made) const;
  static Status CheckRemovable(const SealedHeader& header,
                               const std::set<uint16_t>& opened,
                               uint16_t number);
  void Warn(const std::string& line) const;

  const KeySlots& keys_;
  SealedFile& sealed_;
  KeyringFile& file_;
  std::mutex& mutex_;
  Log& log_;
  const Wanted wanted_;

  KeySlot opened_slot_;
  bool last_resort_ = false;
  std::set<uint16_t> opened_;  // Numbers.
  std::vector<SlotProblem> failures_;
  std::vector<SlotProblem> stale_;
  std::vector<SlotProblem> missing_;  // Without numbers.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_SEALED_FILE_SLOTS_H_
