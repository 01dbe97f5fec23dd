// SPDX-License-Identifier: MIT
// The key slots of a sealed file: slot list, slot add and slot remove.
#include <algorithm>
#include <charconv>

#include "cli/command_table.h"
#include "cli/commands/slot_report.h"
#include "cli/confirmation.h"
#include "cli/keyring_store.h"
#include "cli/sealed_keyring.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxHeader = size_t{1} << 20;

// By the next load that may change the file.
bool IsToBeMade(SlotState state) {
  return state == SlotState::kMissing || state == SlotState::kStale;
}

// Without any key.
tl::expected<std::vector<SlotStatus>, Failure> ReadSlots(
    const std::string& path) {
  const Result<Bytes> start = PosixFileSystem().ReadStart(path, kMaxHeader);
  if (!start) return FileFailed(start.error());
  if (!LooksSealed(*start)) {
    return UsageFailure(path + " is not a sealed file",
                        "keyringctl convert --to sealed makes one");
  }
  const Result<ReadHeader> read = ReadSealedHeader(*start);
  if (!read) return FileFailed(read.error().WithContext(path));
  std::vector<SlotStatus> list;
  for (const KeySlot& slot : read->header.slots) list.push_back({slot, {}, {}});
  for (SlotStatus& status : list) status.state = SlotState::kUntried;
  return list;
}

Outcome RunSlotList(CommandContext& context) {
  const bool check = context.arguments.Has("--check");
  const auto place =
      FindSealedFile(context, check ? Needs::kConfiguration : Needs::kPath);
  if (!place) return tl::unexpected(place.error());
  auto list = ReadSlots(place->path);
  if (!list) return tl::unexpected(list.error());
  if (check) {
    const auto opened = OpenSealedFile(*place, SealedUse::kLook, context.out);
    if (!opened) return tl::unexpected(opened.error());
    (*opened)->slots().OpenEach((*opened)->deadline);
    list = (*opened)->slots().List();
    if (context.interruption.requested()) return Interrupted();
  }
  const bool bad = std::ranges::any_of(*list, [](const SlotStatus& status) {
    return status.state == SlotState::kFailed || IsToBeMade(status.state);
  });
  if (context.out.json()) {
    context.out.PrintJson("slot-list", {{"place", place->path},
                                        {"checked", check},
                                        {"slots", JsonOfSlots(*list)}});
  } else {
    PrintSlots(*list, context.out);
  }
  return bad ? ExitCode::kProblems : ExitCode::kOk;
}

Outcome RunSlotAdd(CommandContext& context) {
  const auto place = FindSealedFile(context, Needs::kConfiguration);
  if (!place) return tl::unexpected(place.error());
  const Outcome may = CheckMayRewrite(place->installation, context.out);
  if (!may) return may;
  NoLog quiet;
  Plan plan;
  {
    const auto opened = OpenSealedFile(*place, SealedUse::kPlan, quiet);
    if (!opened) return tl::unexpected(opened.error());
    for (const SlotStatus& status : (*opened)->slots().List()) {
      if (!IsToBeMade(status.state)) continue;
      const bool add = status.state == SlotState::kMissing;
      plan.push_back({add ? "add" : "wrap again", ToString(status.slot),
                      (add ? "to " : "in ") + place->path});
    }
  }
  if (!plan.empty() || context.arguments.Has("--dry-run")) {
    const auto ended = Confirm(
        context, "slot-add",
        "Add, or wrap again, " + std::to_string(plan.size()) + " key slots?",
        plan);
    if (ended) return *ended;
  }
  const auto opened = OpenSealedFile(
      *place, plan.empty() ? SealedUse::kPlan : SealedUse::kChange,
      context.out);
  if (!opened) return tl::unexpected(opened.error());
  const std::vector<SlotStatus> list = (*opened)->slots().List();
  for (const SlotStatus& status : list) {
    if (!IsToBeMade(status.state)) continue;
    Failure failure(status.problem.WithContext(
        ToString(status.slot) + " could not be added or wrapped again"));
    failure.hint = "a later load, or this command, does it";
    return tl::unexpected(std::move(failure));
  }
  return ReportSlots(context, "slot-add", place->path, list, !plan.empty(), {});
}

Outcome CheckNotConfigured(const SealedFileSlots& slots, uint16_t number) {
  for (const SlotStatus& status : slots.List()) {
    if (status.slot.number == number && slots.IsConfigured(number)) {
      return UsageFailure(
          ToString(status.slot) +
              " is in the configuration, which would add it again; nothing was "
              "changed",
          "remove the key from the configuration first");
    }
  }
  return ExitCode::kOk;
}

Status NotRemoved(const Status& status, uint16_t number) {
  return status.WithContext("key slot " + std::to_string(number) +
                            " was not removed");
}

// Before anybody is asked, and for --dry-run: what the change would refuse.
Outcome CheckMayRemove(const SealedPlace& place, uint16_t number) {
  std::unique_ptr<WritableFile> lock;
  const Outcome free = LockFile(PosixFileSystem(), place.path, lock);
  if (!free) return free;
  NoLog quiet;
  const auto opened = OpenSealedFile(place, SealedUse::kPlan, quiet);
  if (!opened) return tl::unexpected(opened.error());
  SealedFileSlots& slots = (*opened)->slots();
  const Outcome may = CheckNotConfigured(slots, number);
  if (!may) return may;
  slots.OpenEach((*opened)->deadline);
  const Status status = slots.MayRemove(number, (*opened)->deadline);
  if (!status.ok()) return FileFailed(NotRemoved(status, number));
  return ExitCode::kOk;
}

Outcome RemoveSlot(CommandContext& context, const SealedPlace& place,
                   uint16_t number) {
  const auto opened = OpenSealedFile(place, SealedUse::kChange, context.out);
  if (!opened) return tl::unexpected(opened.error());
  SealedFileSlots& slots = (*opened)->slots();
  const Outcome may = CheckNotConfigured(slots, number);
  if (!may) return may;
  slots.OpenEach((*opened)->deadline);
  const Status status = slots.Remove(number);
  if (!status.ok()) return FileFailed(NotRemoved(status, number));
  context.out.Warn("copies of the file keep the key slot",
                   "keyringctl reseal makes a new data key, which it cannot "
                   "open");
  return ReportSlots(context, "slot-remove", place.path, slots.List(), true,
                     {});
}

Outcome RunSlotRemove(CommandContext& context) {
  const std::string word = context.arguments.Text("NUMBER");
  uint16_t number = 0;
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) {
    return UsageFailure(word + " is not the number of a key slot",
                        "keyringctl slot list shows the numbers");
  }
  const auto place = FindSealedFile(context, Needs::kConfiguration);
  if (!place) return tl::unexpected(place.error());
  const auto before = ReadSlots(place->path);
  if (!before) return tl::unexpected(before.error());
  Plan plan;
  for (const SlotStatus& status : *before) {
    if (status.slot.number != number) continue;
    plan.push_back({"remove", ToString(status.slot), "from " + place->path});
  }
  if (plan.empty()) {
    return UsageFailure(place->path + " has no key slot " + word,
                        "keyringctl slot list shows the numbers");
  }
  Outcome may = CheckMayRewrite(place->installation, context.out);
  if (may) may = CheckMayRemove(*place, number);
  if (!may) return may;
  const auto ended =
      Confirm(context, "slot-remove", "Remove key slot " + word + "?", plan);
  if (ended) return *ended;
  return RemoveSlot(context, *place, number);
}

}  // namespace

CommandSpec SlotListCommand() {
  return {"slot list",
          "show the key slots of a sealed file",
          "Shows by which keys a sealed keyring file can be opened. Without "
          "--check no key server is asked. With it, every slot that a "
          "configured key may open is opened, and the exit code is 3 when one "
          "is not, when a configured key has no slot, or when a slot is "
          "outdated: under another KMS key than the configured one, or with "
          "another encryption_context.",
          {},
          {{"--check", nullptr, "Open every slot"}},
          {{"keyringctl slot list --check", "Does every key still open it?"}},
          Effect::kReads,
          Scope::kKeyring,
          RunSlotList};
}

CommandSpec SlotAddCommand() {
  return {"slot add",
          "add the key slots that the configuration names",
          "After a KMS key, a recovery key or local_unlock_file was added to "
          "the configuration: gives the file a slot for each that has none, "
          "and wraps again what is not as configured. "
          "A server does the same when it loads its keyring. Stop the server "
          "first, or use ALTER INSTANCE RELOAD KEYRING instead.",
          {},
          {},
          {{"keyringctl slot add --dry-run", "Which slots are missing?"}},
          Effect::kChanges,
          Scope::kKeyring,
          RunSlotAdd};
}

CommandSpec SlotRemoveCommand() {
  return {"slot remove",
          "remove a key slot",
          "Removes a slot of a key that is no longer in the configuration, "
          "after another slot was opened. This revokes nothing: copies of the "
          "file keep the slot, and the data key stays. See reseal. Stop the "
          "server first.",
          {{"NUMBER", "The number of the slot, as slot list shows it"}},
          {},
          {{"keyringctl slot remove 2 --dry-run", "What would be removed?"}},
          Effect::kChanges,
          Scope::kKeyring,
          RunSlotRemove};
}

}  // namespace openkeyring
