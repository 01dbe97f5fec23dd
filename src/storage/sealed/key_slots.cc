// SPDX-License-Identifier: MIT
#include "storage/sealed/key_slots.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "os/hedged.h"
#include "os/parallel.h"

namespace openkeyring {
namespace {

// Of several keys, one that is away must not hold up the others.
constexpr Millis kTimeToSeal{5000};
constexpr char kLate[] =
    "it had not answered when another key slot opened the file";

// "what: a; b", transient when one of the problems is.
Status Combined(const std::string& what,
                const std::vector<SlotProblem>& problems) {
  std::string text;
  StatusCode code = problems.front().status.code();
  for (const auto& [slot, status] : problems) {
    if (status.IsTransient()) code = status.code();
    text +=
        (text.empty() ? ": " : "; ") + ToString(slot) + ": " + status.message();
  }
  return {code, what + text};
}

// Another slot than those that `match` gives to a key, made by the same key.
KeySlot* SameMaker(SealedHeader& header, const SlotMatch& match,
                   const KeySlot& made) {
  for (size_t i = 0; i < match.key_of_slot.size(); ++i) {
    KeySlot& slot = header.slots[i];
    if (!match.key_of_slot[i] && slot.kind == made.kind &&
        !slot.maker.empty() && slot.maker == made.maker) {
      return &slot;
    }
  }
  return nullptr;
}

std::vector<std::unique_ptr<SlotKey>> OneOf(std::unique_ptr<SlotKey> key) {
  std::vector<std::unique_ptr<SlotKey>> keys;
  keys.push_back(std::move(key));
  return keys;
}

void Replace(KeySlot& slot, KeySlot made) {
  made.number = slot.number;
  slot = std::move(made);
}

}  // namespace

Result<SealedHeader> WithContext(SealedHeader header,
                                 const EncryptionContext& context) {
  for (KeySlot& slot : header.slots) {
    if (slot.kind != SlotKind::kAwsKms) continue;
    const Result<EncryptionContext> own = ContextOf(slot, header.context);
    if (!own) return own.error().WithContext(ToString(slot));
    slot.parameters.clear();
    if (*own != context) PutPairs(slot.parameters, *own);
  }
  header.context = context;
  return header;
}

KeySlots::KeySlots(std::vector<std::unique_ptr<SlotKey>> keys, Clock& clock,
                   Millis patience)
    : keys_(std::move(keys)), clock_(&clock), patience_(patience) {}

KeySlots::KeySlots(std::unique_ptr<SlotKey> key)
    : keys_(OneOf(std::move(key))), clock_(nullptr), patience_(0) {}

std::optional<size_t> KeySlots::FirstOf(size_t count, const Deadline& deadline,
                                        const Call& call) const {
  if (count > 1) {
    return RunHedged(count, *clock_, patience_,
                     [&](size_t index, const Cancellation& cancellation) {
                       return call(index, deadline.CancelledBy(cancellation));
                     });
  }
  if (count == 0 || !call(0, deadline)) return std::nullopt;
  return 0;
}

size_t KeySlots::CountKeys(SlotKind kind) const {
  return static_cast<size_t>(std::ranges::count_if(
      keys_, [&](const auto& key) { return key->kind() == kind; }));
}

// The only key and the only slot of a kind belong together, whatever they are
// called: a key was replaced in the configuration. But not public keys: the
// private half of the old one may be all that somebody has.
SlotMatch KeySlots::Match(const SealedHeader& header) const {
  SlotMatch match;
  match.slot_of_key.resize(keys_.size());
  match.key_of_slot.resize(header.slots.size());
  const auto assign = [&](bool only) {
    for (size_t key = 0; key < keys_.size(); ++key) {
      for (size_t slot = 0; slot < header.slots.size(); ++slot) {
        if (match.slot_of_key[key] || match.key_of_slot[slot]) continue;
        const SlotKind kind = keys_[key]->kind();
        const bool is_only =
            only && kind != SlotKind::kPublicKey &&
            kind == header.slots[slot].kind && CountKeys(kind) == 1 &&
            std::ranges::count(header.slots, kind, &KeySlot::kind) == 1;
        if (!is_only && !keys_[key]->Owns(header.slots[slot])) continue;
        match.slot_of_key[key] = slot;
        match.key_of_slot[slot] = key;
      }
    }
  };
  assign(false);
  assign(true);
  return match;
}

bool KeySlots::MayOpen(size_t key, bool last_resort) const {
  return keys_[key]->CanOpen() && keys_[key]->IsLastResort() == last_resort;
}

KeySlots::Attempts KeySlots::OwnAttempts(const SealedHeader& header,
                                         bool last_resort) const {
  const SlotMatch match = Match(header);
  Attempts attempts;
  for (size_t key = 0; key < keys_.size(); ++key) {
    if (!match.slot_of_key[key] || !MayOpen(key, last_resort)) continue;
    attempts.push_back({key, *match.slot_of_key[key]});
  }
  return attempts;
}

// Slots of no configured key, which one of the same kind may open all the same.
KeySlots::Attempts KeySlots::ForeignAttempts(const SealedHeader& header) const {
  const SlotMatch match = Match(header);
  Attempts attempts;
  for (size_t slot = 0; slot < header.slots.size(); ++slot) {
    if (match.key_of_slot[slot]) continue;
    for (size_t key = 0; key < keys_.size(); ++key) {
      if (!MayOpen(key, false)) continue;
      if (header.slots[slot].kind != keys_[key]->kind()) continue;
      attempts.push_back({key, slot});
    }
  }
  return attempts;
}

Result<Secret> KeySlots::OpenOne(ByteView content, const ReadHeader& read,
                                 const Attempt& attempt,
                                 const Deadline& deadline) const {
  const SealedHeader& header = read.header;
  Result<Secret> data_key = keys_[attempt.key]->Open(
      header.slots[attempt.slot], {header.file_id, header.context}, deadline);
  if (!data_key) return data_key;
  Status status = CheckSealedHeader(content, read, *data_key);
  if (!status.ok()) return status;
  return data_key;
}

// Whether one of them opened the file; `opened` then has it, and what failed in
// any case.
bool KeySlots::Race(ByteView content, const ReadHeader& read,
                    const Attempts& attempts, OpenedSlots& opened,
                    const Deadline& deadline) const {
  std::vector<std::optional<Result<Secret>>> results(attempts.size());
  const std::optional<size_t> winner =
      FirstOf(attempts.size(), deadline, [&](size_t i, const Deadline& until) {
        results[i] = OpenOne(content, read, attempts[i], until);
        if (*results[i]) return true;
        if (until.IsCancelled())
          results[i] = Status(StatusCode::kTimeout, kLate);
        return false;
      });
  for (size_t i = 0; i < attempts.size(); ++i) {
    if (!results[i] || *results[i]) continue;
    opened.failures.push_back(
        {read.header.slots[attempts[i].slot], results[i]->error()});
  }
  if (!winner) return false;
  const Attempt& attempt = attempts[*winner];
  opened.data_key = std::move(**results[*winner]);
  opened.slot = read.header.slots[attempt.slot];
  opened.last_resort = keys_[attempt.key]->IsLastResort();
  return true;
}

Result<OpenedSlots> KeySlots::Open(ByteView content, const ReadHeader& read,
                                   bool last_resort,
                                   const Deadline& deadline) const {
  const SealedHeader& header = read.header;
  OpenedSlots opened;
  if (Race(content, read, OwnAttempts(header, false), opened, deadline) ||
      TryEach(content, read, ForeignAttempts(header), opened, deadline)) {
    return opened;
  }
  if (last_resort &&
      Race(content, read, OwnAttempts(header, true), opened, deadline)) {
    return opened;
  }
  return NoneOpened(header, opened.failures);
}

bool KeySlots::TryEach(ByteView content, const ReadHeader& read,
                       const Attempts& attempts, OpenedSlots& opened,
                       const Deadline& deadline) const {
  return std::ranges::any_of(attempts, [&](const Attempt& attempt) {
    return Race(content, read, {attempt}, opened, deadline);
  });
}

Status KeySlots::NoneOpened(const SealedHeader& header,
                            const std::vector<SlotProblem>& failures) const {
  if (header.slots.size() == 1 && failures.size() == 1) {
    return failures[0].status;
  }
  if (!failures.empty()) {
    return Combined("none of its key slots could be opened", failures);
  }
  std::string slots;
  for (const KeySlot& slot : header.slots) {
    slots += (slots.empty() ? "" : ", ") + ToString(slot);
  }
  return {StatusCode::kMisconfigured,
          "no configured key can open one of its key slots: " + slots +
              "; configure one of these keys"};
}

std::vector<SlotProblem> KeySlots::OpenEach(ByteView content,
                                            const ReadHeader& read,
                                            const Deadline& deadline) const {
  const SlotMatch match = Match(read.header);
  Attempts attempts;
  for (size_t slot = 0; slot < read.header.slots.size(); ++slot) {
    const std::optional<size_t>& key = match.key_of_slot[slot];
    if (key && keys_[*key]->CanOpen()) attempts.push_back({*key, slot});
  }
  std::vector<SlotProblem> problems(attempts.size());
  RunParallel(attempts.size(), attempts.size(), [&](size_t i) {
    problems[i] = {read.header.slots[attempts[i].slot],
                   OpenOne(content, read, attempts[i], deadline).status()};
  });
  return problems;
}

KeySlot KeySlots::SlotWithoutNumber(size_t key) const {
  return {0, keys_[key]->kind(), keys_[key]->name(), "", {}, {}};
}

Deadline KeySlots::DeadlineToSeal(const Deadline& deadline) const {
  return keys_.size() == 1 ? deadline : deadline.Within(*clock_, kTimeToSeal);
}

std::vector<size_t> KeySlots::KeysToSeal(const SealedHeader& bound,
                                         const SlotMatch& match) const {
  std::vector<size_t> wanted;
  for (size_t key = 0; key < keys_.size(); ++key) {
    const std::optional<size_t>& slot = match.slot_of_key[key];
    if (slot && keys_[key]->IsCurrent(bound.slots[*slot])) continue;
    // A KMS key that the configuration does not name can only open.
    if (!slot && keys_[key]->name().empty()) continue;
    wanted.push_back(key);
  }
  return wanted;
}

Result<std::vector<KeySlot>> KeySlots::Pending(
    const SealedHeader& header, const EncryptionContext& context) const {
  const SlotMatch match = Match(header);
  const Result<SealedHeader> bound = WithContext(header, context);
  if (!bound) return bound.error();
  std::vector<KeySlot> pending;
  for (const size_t key : KeysToSeal(*bound, match)) {
    const std::optional<size_t>& slot = match.slot_of_key[key];
    pending.push_back(slot ? header.slots[*slot] : SlotWithoutNumber(key));
  }
  return pending;
}

Result<UpdatedSlots> KeySlots::Update(SealedHeader header,
                                      const Secret& data_key,
                                      const EncryptionContext& context,
                                      const Deadline& deadline) const {
  const SlotMatch match = Match(header);
  Result<SealedHeader> bound = WithContext(std::move(header), context);
  if (!bound) return bound.error();
  UpdatedSlots updated{std::move(*bound), false, {}, {}, {}, {}};
  const std::vector<size_t> wanted = KeysToSeal(updated.header, match);
  const SlotBinding binding = {updated.header.file_id, context};
  std::vector<std::optional<Result<KeySlot>>> sealed(wanted.size());
  const Deadline soon = DeadlineToSeal(deadline);
  RunParallel(wanted.size(), wanted.size(), [&](size_t i) {
    sealed[i] = keys_[wanted[i]]->Seal(data_key, binding, soon);
  });
  for (size_t i = 0; i < wanted.size(); ++i) {
    TakeSealed(match, wanted[i], std::move(*sealed[i]), updated);
  }
  return updated;
}

void KeySlots::TakeSealed(const SlotMatch& match, size_t key,
                          Result<KeySlot> sealed, UpdatedSlots& updated) const {
  std::vector<KeySlot>& slots = updated.header.slots;
  const std::optional<size_t>& own = match.slot_of_key[key];
  if (!sealed) {
    const KeySlot slot = own ? slots[*own] : SlotWithoutNumber(key);
    (own ? updated.stale : updated.missing).push_back({slot, sealed.error()});
    return;
  }
  updated.changed = true;
  KeySlot* old = own ? &slots[*own] : SameMaker(updated.header, match, *sealed);
  if (old != nullptr) {
    Replace(*old, std::move(*sealed));
    updated.rewrapped.push_back(*old);
    return;
  }
  sealed->number = static_cast<uint16_t>(slots.back().number + 1);
  slots.push_back(std::move(*sealed));
  updated.added.push_back(slots.back());
}

Result<GeneratedSlot> KeySlots::GenerateByOne(const SlotBinding& binding,
                                              const Deadline& deadline,
                                              size_t& by) const {
  std::vector<std::optional<Result<GeneratedSlot>>> made(keys_.size());
  const std::optional<size_t> first =
      FirstOf(keys_.size(), deadline, [&](size_t key, const Deadline& until) {
        made[key] = keys_[key]->Generate(binding, until);
        return made[key]->has_value();
      });
  if (first) {
    by = *first;
    return std::move(**made[*first]);
  }
  if (made.size() == 1) return made[0]->error();
  std::vector<SlotProblem> problems;
  for (size_t key = 0; key < made.size(); ++key) {
    problems.push_back({SlotWithoutNumber(key), made[key]->error()});
  }
  return Combined("no configured key could make its data key", problems);
}

Result<GeneratedSlots> KeySlots::Generate(const SlotBinding& binding,
                                          const Deadline& deadline) const {
  size_t by = 0;
  Result<GeneratedSlot> first = GenerateByOne(binding, deadline, by);
  if (!first) return first.error();
  GeneratedSlots generated{{}, {}, std::move(first->data_key), {}};
  std::vector<std::optional<Result<KeySlot>>> sealed(keys_.size());
  sealed[by] = std::move(first->slot);
  const Deadline soon = DeadlineToSeal(deadline);
  RunParallel(keys_.size(), keys_.size(), [&](size_t key) {
    if (key == by) return;
    sealed[key] = keys_[key]->Seal(generated.data_key, binding, soon);
  });
  for (size_t key = 0; key < keys_.size(); ++key) {
    if (!*sealed[key]) {
      generated.missing.push_back(
          {SlotWithoutNumber(key), sealed[key]->error()});
      continue;
    }
    generated.slots.push_back(std::move(**sealed[key]));
    generated.keys.push_back(key);
    generated.slots.back().number =
        static_cast<uint16_t>(generated.slots.size());
  }
  return generated;
}

}  // namespace openkeyring
