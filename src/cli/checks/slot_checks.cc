// SPDX-License-Identifier: MIT
// The key slots of a sealed file: which of them open it, and which should.
#include <algorithm>

#include "cli/checks/check.h"
#include "cli/keyring_store.h"
#include "product/component_keyring_kms/kms_keyring.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxHeader = size_t{1} << 20;
constexpr char kMakeSlots[] =
    "a start of the server does it, and so does keyringctl slot add";

// By the names of slots and keys alone.
std::vector<CheckedSlot> Compare(const KeySlots& keys,
                                 const SealedHeader& header) {
  const SlotMatch match = keys.Match(header);
  std::vector<CheckedSlot> slots;
  for (size_t i = 0; i < header.slots.size(); ++i) {
    CheckedSlot slot{{header.slots[i], SlotState::kForeign, {}}, false, ""};
    if (const auto& key = match.key_of_slot[i]) {
      const SlotKey& own = *keys.keys()[*key];
      slot.status.state = own.name().empty() || own.IsCurrent(header.slots[i])
                              ? SlotState::kUntried
                              : SlotState::kStale;
      if (own.kind() == SlotKind::kAwsKms) slot.kms_key = own.name();
    }
    slots.push_back(std::move(slot));
  }
  for (size_t key = 0; key < keys.keys().size(); ++key) {
    const SlotKey& own = *keys.keys()[key];
    if (match.slot_of_key[key] || own.name().empty()) continue;
    const KeySlot slot{0, own.kind(), own.name(), "", {}, {}};
    slots.push_back({{slot, SlotState::kMissing, {}}, false, ""});
    if (own.kind() == SlotKind::kAwsKms) slots.back().kms_key = own.name();
  }
  return slots;
}

bool OpenEach(CheckRun& run, const KeySlots& keys, ByteView content,
              const ReadHeader& read, std::vector<CheckedSlot>& slots) {
  bool opened = false;
  for (const SlotProblem& one : keys.OpenEach(content, read, run.Soon())) {
    for (CheckedSlot& slot : slots) {
      if (slot.status.slot.number != one.slot.number) continue;
      slot.opens = one.status.ok();
      opened |= slot.opens;
      slot.status.problem = one.status;
      if (!slot.opens) slot.status.state = SlotState::kFailed;
    }
  }
  return opened;
}

// As a start does it when no slot of its own opens: by one of another key.
bool OpenAny(CheckRun& run, const KeySlots& keys, ByteView content,
             const ReadHeader& read, std::vector<CheckedSlot>& slots) {
  const auto opened = keys.Open(content, read, false, run.Soon());
  if (!opened) return false;
  for (CheckedSlot& slot : slots) {
    slot.opens |= slot.status.slot.number == opened->slot.number;
  }
  return true;
}

// What only the product knows: slots with another encryption_context.
void AddOutdated(CheckRun& run, std::vector<CheckedSlot>& slots) {
  NoLog quiet;  // The check of the keys opens it again, and warns.
  auto config = KmsComponentOptions(run.installation, run.files, quiet);
  if (!config) return;
  const auto opened = KmsKeyring::Open(std::move(*config), nullptr,
                                       run.installation.data_directory,
                                       LoadRetry::kOnce, quiet);
  if (!opened || (*opened)->slots() == nullptr) return;
  for (const SlotStatus& status : (*opened)->slots()->List()) {
    if (status.state != SlotState::kStale) continue;
    for (CheckedSlot& slot : slots) {
      const bool same = slot.status.slot.number == status.slot.number;
      if (same && slot.opens) slot.status.state = SlotState::kStale;
    }
  }
}

void ReportOpening(CheckRun& run, const CheckedSlot& slot) {
  const std::string name = ToString(slot.status.slot);
  switch (slot.status.state) {
    case SlotState::kMissing:
      return run.Warn(name + " has no key slot in the file, and cannot open it",
                      kMakeSlots);
    case SlotState::kForeign:
      if (slot.opens) return run.Ok(name + " opens the file");
      return run.Skip(name +
                      " is not in the configuration: not opened by this check");
    case SlotState::kFailed:
      return run.Warn(name + ": " + slot.status.problem.message(),
                      "a slot that does not open will not help when "
                      "the others fail: fix its KMS key or replace it",
                      ExitCodeOf(slot.status.problem));
    default:
      if (slot.opens) return run.Ok(name + " opens the file");
      return run.Skip(name + ": not opened by this check");
  }
}

}  // namespace

std::optional<ReadHeader> SealedHeaderOf(CheckRun& run) {
  const StoredKeyring* keyring = run.keyring();
  if (keyring == nullptr || keyring->slots.empty()) return std::nullopt;
  const Result<Bytes> content = run.files.ReadStart(keyring->place, kMaxHeader);
  if (!content) return std::nullopt;
  const Result<ReadHeader> read = ReadSealedHeader(*content);
  if (!read) return std::nullopt;
  return *read;
}

std::optional<std::vector<CheckedSlot>> OpenSlots(CheckRun& run) {
  if (!SealedHeaderOf(run)) return std::nullopt;
  const Result<Bytes> content =
      run.files.ReadStart(run.keyring()->place, kMaxHeader);
  if (!content) return std::nullopt;
  const Result<ReadHeader> read = ReadSealedHeader(*content);
  NoLog quiet;
  const auto access = OpenSlotKeys(run.installation, run.files, quiet);
  if (!read || !access) return std::nullopt;
  std::vector<CheckedSlot> slots = Compare(*access->keys, read->header);
  bool opened = OpenEach(run, *access->keys, *content, *read, slots);
  if (!opened) opened = OpenAny(run, *access->keys, *content, *read, slots);
  const bool component =
      run.installation.product == Product::kComponentKeyringKms;
  if (component && opened) AddOutdated(run, slots);
  return slots;
}

void CheckSlots(CheckRun& run) {
  if (!SealedHeaderOf(run)) return run.Skip("only sealed files have key slots");
  const std::vector<CheckedSlot>* slots = run.slots();
  if (slots == nullptr) return run.Skip("the configuration is not complete");
  ExitCode code = ExitCode::kUnreachable;  // Of all that failed.
  for (const CheckedSlot& slot : *slots) {
    ReportOpening(run, slot);
    if (slot.status.state == SlotState::kStale) {
      run.Warn(ToString(slot.status.slot) +
                   " is outdated: it is under another KMS key, or bound to "
                   "another encryption_context, than the configuration has",
               kMakeSlots);
    }
    const ExitCode one = ExitCodeOf(slot.status.problem);
    if (one != ExitCode::kOk && one != ExitCode::kUnreachable) code = one;
  }
  if (std::ranges::any_of(*slots, &CheckedSlot::opens)) return;
  run.Fail("no key slot could be opened",
           "fix the KMS key; recovery keys: docs/component_keyring_kms.md",
           code);
}

}  // namespace openkeyring
