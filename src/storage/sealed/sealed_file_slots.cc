// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_file_slots.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kFileIdPair[] = "openkeyring:file-id";

const SlotProblem* ProblemOf(const std::vector<SlotProblem>& problems,
                             uint16_t number) {
  const auto found = std::ranges::find(
      problems, number, [](const SlotProblem& p) { return p.slot.number; });
  return found == problems.end() ? nullptr : &*found;
}

void EraseNumber(std::vector<SlotProblem>& problems, uint16_t number) {
  std::erase_if(problems, [&](const SlotProblem& problem) {
    return problem.slot.number == number;
  });
}

std::string ListOf(const std::vector<KeySlot>& slots) {
  std::string text;
  for (const KeySlot& slot : slots) {
    text += (text.empty() ? "" : ", ") + ToString(slot);
  }
  return text;
}

}  // namespace

std::string MissingSlotText(const SlotProblem& problem) {
  return "there is no key slot for " + ToString(problem.slot) +
         " yet; it is added at a later load: " + problem.status.message();
}

EncryptionContext SealedFileSlots::Wanted::ContextOf(
    const FileId& file_id) const {
  EncryptionContext context = encryption_context;
  for (const auto& [name, value] : own_context) context[name] = value;
  context[kFileIdPair] = HexEncode(file_id);
  return context;
}

SealedFileSlots::SealedFileSlots(const KeySlots& keys, SealedFile& sealed,
                                 KeyringFile& file, std::mutex& mutex, Log& log,
                                 Wanted wanted)
    : keys_(keys),
      sealed_(sealed),
      file_(file),
      mutex_(mutex),
      log_(log),
      wanted_(std::move(wanted)) {}

void SealedFileSlots::TakeOpened(const OpenedSlots& opened) {
  opened_slot_ = opened.slot;
  last_resort_ = opened.last_resort;
  opened_ = {opened.slot.number};
  failures_ = opened.failures;
  stale_.clear();
  missing_.clear();
}

void SealedFileSlots::TakeCreated(const SealedHeader& header,
                                  std::vector<SlotProblem> missing) {
  opened_slot_ = header.slots[0];
  last_resort_ = false;
  opened_.clear();
  MarkMade(header.slots);
  failures_.clear();
  stale_.clear();
  missing_.clear();
  KeepProblems(missing);
}

// SlotKey::Seal has opened them.
void SealedFileSlots::MarkMade(const std::vector<KeySlot>& slots) {
  for (const KeySlot& slot : slots) {
    EraseNumber(failures_, slot.number);
    EraseNumber(stale_, slot.number);
    if (slot.kind != SlotKind::kPublicKey) opened_.insert(slot.number);
  }
}

void SealedFileSlots::LogOpened() const {
  for (const auto& [slot, status] : failures_) {
    Warn(ToString(slot) + " could not be opened: " + status.message());
  }
  const std::string by = "it was opened by " + ToString(opened_slot_);
  if (last_resort_) {
    log_.Write(LogLevel::kError,
               "keyring file " + file_.path() + ": " + by +
                   ", the last resort, because no key server could be used; "
                   "make one reachable and " +
                   file_.cure());
  } else if (!failures_.empty()) {
    Warn(by);
  }
}

void SealedFileSlots::Warn(const std::string& line) const {
  log_.Write(LogLevel::kWarning, "keyring file " + file_.path() + ": " + line);
}

SealedHeader SealedFileSlots::Header() const {
  const std::lock_guard lock(mutex_);
  return sealed_.header();
}

Secret SealedFileSlots::DataKey() const {
  const std::lock_guard lock(mutex_);
  return sealed_.data_key().Clone();
}

Status SealedFileSlots::Update(const SealedFile::Keys& keys,
                               const Deadline& deadline) {
  const SealedHeader header = Header();
  const Result<std::vector<KeySlot>> pending =
      keys_.Pending(header, wanted_.ContextOf(header.file_id));
  if (!pending) return pending.error();
  if (pending->empty()) return Status::Ok();
  const bool only = keys_.keys().size() == 1 && header.slots.size() == 1;
  return only ? UpdateOnly(keys, deadline)
              : UpdateSeveral(*pending, keys, deadline);
}

Status SealedFileSlots::WhyNotUpdated() const {
  if (wanted_.read_only) {
    return {StatusCode::kReadOnly,
            "the file was opened read-only, and is not wrapped again"};
  }
  if (file_.locked()) return Status::Ok();
  if (wanted_.must_rewrap) return file_.why_not_writable();
  return {StatusCode::kReadOnly,
          "the process that can write the file must wrap it again"};
}

Status SealedFileSlots::UpdateOnly(const SealedFile::Keys& keys,
                                   const Deadline& deadline) {
  const KeySlot slot = Header().slots[0];
  const std::string change =
      "its data key is wrapped under KMS key " + slot.name + " (" + slot.maker +
      "), and the configuration says " + keys_.keys()[0]->name() +
      " or another encryption_context";
  Status status = WhyNotUpdated();
  const bool can_write = status.ok();
  if (can_write) status = RewrapOnly(keys, deadline);
  if (status.ok()) return status;
  // A keyring that opened is not withheld from a server that starts.
  if (wanted_.must_rewrap ||
      (!wanted_.first_load && (wanted_.read_only || file_.locked()))) {
    return status.WithContext(change);
  }
  log_.Write(LogLevel::kWarning,
             file_.path() + ": " + change + ": " + status.message());
  const std::lock_guard lock(mutex_);
  stale_.push_back({slot, status.WithContext(change)});
  return Status::Ok();
}

Status SealedFileSlots::RewrapOnly(const SealedFile::Keys& keys,
                                   const Deadline& deadline) {
  SealedHeader header = Header();
  const EncryptionContext context = wanted_.ContextOf(header.file_id);
  Result<UpdatedSlots> updated =
      keys_.Update(std::move(header), DataKey(), context, deadline);
  if (!updated) return updated.error();
  if (!updated->stale.empty()) {
    return updated->stale[0].status.WithContext("wrapping it again failed");
  }
  const KeySlot& slot = updated->header.slots[0];
  const std::string done = file_.path() + " is now wrapped under KMS key " +
                           slot.name + " (" + slot.maker + ")";
  const std::lock_guard lock(mutex_);
  Status status = sealed_.ReplaceHeader(std::move(updated->header), keys);
  if (status.ok()) log_.Write(LogLevel::kNote, done);
  return status;
}

// Whatever fails here, the keyring is open and stays so for a server.
Status SealedFileSlots::UpdateSeveral(const std::vector<KeySlot>& pending,
                                      const SealedFile::Keys& keys,
                                      const Deadline& deadline) {
  Status status = WhyNotUpdated();
  if (!status.ok()) {
    KeepPending(pending, status);
    return wanted_.must_rewrap ? status : Status::Ok();
  }
  SealedHeader header = Header();
  const EncryptionContext context = wanted_.ContextOf(header.file_id);
  Result<UpdatedSlots> updated =
      keys_.Update(std::move(header), DataKey(), context, deadline);
  if (!updated) return updated.error();
  KeepProblems(updated->missing);
  KeepProblems(updated->stale);
  Status problem = ErrorOfFirst(updated->missing);
  if (problem.ok()) problem = ErrorOfFirst(updated->stale);
  if (!updated->changed) return problem;
  const std::lock_guard lock(mutex_);
  status = sealed_.ReplaceHeader(std::move(updated->header), keys);
  std::vector<KeySlot> made = updated->added;
  made.insert(made.end(), updated->rewrapped.begin(), updated->rewrapped.end());
  if (!status.ok()) return NotReplaced(*updated, ListOf(made), status);
  MarkMade(made);
  log_.Write(LogLevel::kNote, "keyring file " + file_.path() +
                                  ": added or wrapped again: " + ListOf(made));
  return problem;
}

// The mutex is held.
Status SealedFileSlots::NotReplaced(const UpdatedSlots& updated,
                                    const std::string& made,
                                    const Status& why) {
  const std::string what = "its key slots could not be changed (" + made + ")";
  Warn(what + ": " + why.message());
  // The file may have it all the same, and lose it in a power cut.
  for (KeySlot slot : updated.added) {
    const bool there = std::ranges::count(sealed_.header().slots, slot) > 0;
    if (!there) slot.number = 0;
    (there ? failures_ : missing_).push_back({slot, why});
  }
  for (const KeySlot& slot : updated.rewrapped) stale_.push_back({slot, why});
  return wanted_.must_rewrap ? why.WithContext(what) : Status::Ok();
}

Status SealedFileSlots::ErrorOfFirst(
    const std::vector<SlotProblem>& problems) const {
  if (!wanted_.must_rewrap || problems.empty()) return Status::Ok();
  return problems[0].status.WithContext(ToString(problems[0].slot) +
                                        " could not be added or wrapped again");
}

void SealedFileSlots::KeepPending(const std::vector<KeySlot>& pending,
                                  const Status& why) {
  std::vector<SlotProblem> problems;
  for (const KeySlot& slot : pending) problems.push_back({slot, why});
  KeepProblems(problems);
}

void SealedFileSlots::KeepProblems(const std::vector<SlotProblem>& problems) {
  for (const SlotProblem& problem : problems) {
    const KeySlot& slot = problem.slot;
    const bool missing = slot.number == 0;
    Warn(missing ? MissingSlotText(problem)
                 : ToString(slot) +
                       " is not as configured, and could not be wrapped "
                       "again: " +
                       problem.status.message());
    (missing ? missing_ : stale_).push_back(problem);
  }
}

std::vector<SlotStatus> SealedFileSlots::List() const {
  const SealedHeader header = Header();
  const SlotMatch match = keys_.Match(header);
  std::set<uint16_t> foreign;  // Numbers: the slots may be others by now.
  for (size_t i = 0; i < header.slots.size(); ++i) {
    if (!match.key_of_slot[i]) foreign.insert(header.slots[i].number);
  }
  const std::lock_guard lock(mutex_);
  std::vector<SlotStatus> list;
  for (const KeySlot& slot : sealed_.header().slots) {
    list.push_back(StatusOf(slot, foreign.contains(slot.number)));
  }
  for (const auto& [slot, status] : missing_) {
    list.push_back({slot, SlotState::kMissing, status});
  }
  return list;
}

SlotStatus SealedFileSlots::StatusOf(const KeySlot& slot, bool foreign) const {
  if (const SlotProblem* problem = ProblemOf(failures_, slot.number)) {
    return {slot, SlotState::kFailed, problem->status};
  }
  if (const SlotProblem* problem = ProblemOf(stale_, slot.number)) {
    return {slot, SlotState::kStale, problem->status};
  }
  const SlotState state = opened_.contains(slot.number) ? SlotState::kOpened
                          : foreign                     ? SlotState::kForeign
                                                        : SlotState::kUntried;
  return {slot, state, Status::Ok()};
}

bool SealedFileSlots::IsConfigured(uint16_t number) const {
  const SealedHeader header = Header();
  const SlotMatch match = keys_.Match(header);
  for (size_t i = 0; i < header.slots.size(); ++i) {
    if (header.slots[i].number == number) {
      return match.key_of_slot[i].has_value();
    }
  }
  return false;
}

KeySlot SealedFileSlots::opened() const {
  const std::lock_guard lock(mutex_);
  for (const KeySlot& slot : sealed_.header().slots) {
    if (slot.number == opened_slot_.number) return slot;
  }
  return opened_slot_;
}

bool SealedFileSlots::opened_by_last_resort() const {
  const std::lock_guard lock(mutex_);
  return last_resort_;
}

void SealedFileSlots::OpenEach(const Deadline& deadline) {
  const SealedHeader header = Header();
  const Result<Bytes> content = WriteSealedHeader(header, DataKey());
  if (!content) return;
  const ReadHeader read{header, VersionOf(header), content->size()};
  std::vector<SlotProblem> results = keys_.OpenEach(*content, read, deadline);
  const std::lock_guard lock(mutex_);
  failures_.clear();
  for (SlotProblem& result : results) {
    if (result.status.ok()) {
      opened_.insert(result.slot.number);
    } else {
      opened_.erase(result.slot.number);
      failures_.push_back(std::move(result));
    }
  }
}

Status SealedFileSlots::CheckRemovable(const SealedHeader& header,
                                       const std::set<uint16_t>& opened,
                                       uint16_t number) {
  if (!std::ranges::count(header.slots, number, &KeySlot::number)) {
    return {StatusCode::kInvalidArgument,
            "the file has no key slot " + std::to_string(number) + "; it has " +
                ListOf(header.slots)};
  }
  const auto remains = [&](const KeySlot& slot) {
    return slot.number != number && slot.kind == SlotKind::kAwsKms;
  };
  if (!std::ranges::any_of(header.slots, remains)) {
    return {StatusCode::kInvalidArgument,
            "no KMS key could open the file without it; add another one first"};
  }
  const auto opens = [&](const KeySlot& slot) {
    return slot.number != number && slot.kind != SlotKind::kLocalFile &&
           opened.contains(slot.number);
  };
  if (std::ranges::any_of(header.slots, opens)) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          "no other key slot was opened just now; make sure first that "
          "another one works"};
}

// By the header as the next load that may write leaves it.
Status SealedFileSlots::MayRemove(uint16_t number,
                                  const Deadline& deadline) const {
  SealedHeader header = Header();
  const EncryptionContext context = wanted_.ContextOf(header.file_id);
  const Result<UpdatedSlots> updated =
      keys_.Update(std::move(header), DataKey(), context, deadline);
  if (!updated) return updated.error();
  const std::lock_guard lock(mutex_);
  std::set<uint16_t> opened = opened_;
  for (const KeySlot& slot : updated->added) {
    if (slot.kind != SlotKind::kPublicKey) opened.insert(slot.number);
  }
  return CheckRemovable(updated->header, opened, number);
}

Status SealedFileSlots::Remove(uint16_t number) {
  const std::lock_guard lock(mutex_);
  SealedHeader header = sealed_.header();
  Status status = CheckRemovable(header, opened_, number);
  if (!status.ok()) return status;
  std::erase_if(header.slots,
                [&](const KeySlot& slot) { return slot.number == number; });
  status = sealed_.ReplaceHeader(std::move(header));
  if (!status.ok()) return status;
  opened_.erase(number);
  EraseNumber(failures_, number);
  EraseNumber(stale_, number);
  return status;
}

Result<std::vector<SlotProblem>> SealedFileSlots::Reseal(
    const Deadline& deadline) {
  const SealedHeader old = Header();
  SealedHeader header = old;
  header.context = wanted_.ContextOf(header.file_id);
  Result<GeneratedSlots> made =
      keys_.Generate({header.file_id, header.context}, deadline);
  if (!made) return made.error();
  std::vector<SlotProblem> dropped = Renumber(old, *made);
  header.slots = made->slots;
  const std::lock_guard lock(mutex_);
  if (sealed_.header().slots != old.slots) return file_.Changed();
  Status status = sealed_.Reseal(std::move(header), std::move(made->data_key));
  if (!status.ok()) return status;
  opened_slot_ = made->slots[0];
  last_resort_ = false;
  opened_.clear();
  failures_.clear();
  stale_.clear();
  missing_.clear();
  MarkMade(made->slots);
  for (SlotProblem& problem : made->missing) missing_.push_back(problem);
  return dropped;
}

// New slots take the numbers of those of the same keys. Gives those that have
// no successor.
std::vector<SlotProblem> SealedFileSlots::Renumber(const SealedHeader& old,
                                                   GeneratedSlots& made) const {
  const SlotMatch match = keys_.Match(old);
  uint16_t next = old.slots.back().number;
  std::set<uint16_t> kept;
  for (size_t i = 0; i < made.slots.size(); ++i) {
    const std::optional<size_t>& slot = match.slot_of_key[made.keys[i]];
    made.slots[i].number = slot ? old.slots[*slot].number : ++next;
    kept.insert(made.slots[i].number);
  }
  std::ranges::sort(made.slots, {}, &KeySlot::number);
  std::vector<SlotProblem> dropped;
  for (size_t i = 0; i < old.slots.size(); ++i) {
    if (kept.contains(old.slots[i].number)) continue;
    Status why(StatusCode::kMisconfigured, "its key is not configured");
    for (const auto& [slot, status] : made.missing) {
      if (match.key_of_slot[i] &&
          keys_.keys()[*match.key_of_slot[i]]->name() == slot.name) {
        why = status;
      }
    }
    dropped.push_back({old.slots[i], why});
  }
  return dropped;
}

}  // namespace openkeyring
