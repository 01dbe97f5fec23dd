// SPDX-License-Identifier: MIT
// The key slots of a sealed keyring file: slot list, slot add, slot remove, and
// reseal.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/backup_set.h"
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/confirmation.h"
#include "cli/discovery.h"
#include "cli/product_options.h"
#include "os/process.h"
#include "product/component_keyring_kms/kms_keyring.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxHeader = size_t{1} << 20;

struct Place {
  Installation installation;
  std::string path;
};
tl::expected<Place, Failure> FindSealedFile(CommandContext& context,
                                            Needs needs) {
  const auto installation = FindInstallation(context, PosixFileSystem(),
                                             SystemProcessRunner(), needs);
  if (!installation) return tl::unexpected(installation.error());
  if (installation->product != Product::kComponentKeyringKms) {
    return UsageFailure(std::string(ProductName(installation->product)) +
                        " has no sealed keyring file, and so no key slots");
  }
  const auto path = PlaceOf(*installation, PosixFileSystem(), context.out);
  if (!path) return tl::unexpected(path.error());
  return Place{*installation, *path};
}

struct OpenedSlotsOfFile {
  std::unique_ptr<KmsKeyring> keyring;
  SealedFileSlots* slots = nullptr;  // Of the keyring.
  Deadline deadline;                 // For what is done next.
};
// As a start of the server does it, but once; for changes, with the lock.
tl::expected<OpenedSlotsOfFile, Failure> Open(const Place& place,
                                              bool read_only, Log& log) {
  FileSystem& files = PosixFileSystem();
  if (!files.Stat(place.path)) {
    return UsageFailure("there is no keyring file " + place.path);
  }
  if (!read_only) {
    std::unique_ptr<WritableFile> lock;
    const Outcome free = LockFile(files, place.path, lock);
    if (!free) return tl::unexpected(free.error());
  }
  Result<KmsComponentConfig> config =
      KmsComponentOptions(place.installation, files, log);
  if (!config) return Failed(config.error());
  config->read_only = read_only;
  const Millis time = config->startup_deadline;
  auto opened = KmsKeyring::Open(std::move(*config), nullptr,
                                 place.installation.data_directory,
                                 LoadRetry::kOnce, log);
  if (!opened) {
    return Failed(opened.error());
  }
  SealedFileSlots* slots = (*opened)->slots();
  if (slots == nullptr) {
    return UsageFailure(place.path + " is not a sealed file",
                        "keyringctl convert --to sealed makes one");
  }
  return OpenedSlotsOfFile{std::move(*opened), slots,
                           Deadline::After(SystemClock(), time)};
}

const char* StateName(SlotState state) {
  switch (state) {
    case SlotState::kOpened:
      return "opened";
    case SlotState::kFailed:
      return "failed";
    case SlotState::kUntried:
      return "not checked";
    case SlotState::kForeign:
      return "not configured";
    case SlotState::kMissing:
      return "missing";
    case SlotState::kStale:
      return "outdated";
  }
  return "";
}

// By the next load that may change the file.
bool IsToBeMade(SlotState state) {
  return state == SlotState::kMissing || state == SlotState::kStale;
}

Json JsonOf(const std::vector<SlotStatus>& list) {
  Json slots = Json::array();
  for (const SlotStatus& status : list) {
    Json slot = {{"number", nullptr},
                 {"kind", SlotKindName(status.slot.kind)},
                 {"name", status.slot.name},
                 {"maker", status.slot.maker},
                 {"state", StateName(status.state)},
                 {"problem", nullptr}};
    if (status.slot.number != 0) slot["number"] = status.slot.number;
    if (!status.problem.ok()) slot["problem"] = status.problem.message();
    slots.push_back(std::move(slot));
  }
  return slots;
}

void Print(const std::vector<SlotStatus>& list, Output& out) {
  const TextTable table(
      {{"SLOT", true}, {"KIND"}, {"NAME"}, {"STATE"}, {"MADE BY"}});
  out.Print(table, list.size(), [&](size_t i, TextTable::Row& row) {
    const KeySlot& slot = list[i].slot;
    row = {slot.number == 0 ? "-" : std::to_string(slot.number),
           SlotKindName(slot.kind), Printable(slot.name),
           StateName(list[i].state), Printable(slot.maker)};
  });
  for (const SlotStatus& status : list) {
    if (status.problem.ok()) continue;
    out.Line(
        Printable(ToString(status.slot) + ": " + status.problem.message()));
  }
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
    const auto opened = Open(*place, true, context.out);
    if (!opened) return tl::unexpected(opened.error());
    opened->slots->OpenEach(opened->deadline);
    list = opened->slots->List();
  }
  const bool bad = std::ranges::any_of(*list, [](const SlotStatus& status) {
    return status.state == SlotState::kFailed || IsToBeMade(status.state);
  });
  if (context.out.json()) {
    context.out.PrintJson(
        "slot-list",
        {{"place", place->path}, {"checked", check}, {"slots", JsonOf(*list)}});
  } else {
    Print(*list, context.out);
  }
  return bad ? ExitCode::kProblems : ExitCode::kOk;
}

// What was done to the slots, and how they are now.
Outcome ReportSlots(CommandContext& context, const char* command,
                    const Place& place, const std::vector<SlotStatus>& list,
                    bool changed, const std::vector<std::string>& dropped) {
  if (context.out.json()) {
    context.out.PrintJson(command, {{"dry_run", false},
                                    {"changed", changed},
                                    {"place", place.path},
                                    {"dropped", dropped},
                                    {"slots", JsonOf(list)}});
    return ExitCode::kOk;
  }
  for (const std::string& line : dropped) {
    context.out.Line("dropped " + Printable(line));
  }
  Print(list, context.out);
  return ExitCode::kOk;
}

Outcome RunSlotAdd(CommandContext& context) {
  const auto place = FindSealedFile(context, Needs::kConfiguration);
  if (!place) return tl::unexpected(place.error());
  NoLog quiet;
  Plan plan;
  {
    const auto opened = Open(*place, true, quiet);
    if (!opened) return tl::unexpected(opened.error());
    for (const SlotStatus& status : opened->slots->List()) {
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
  const auto opened = Open(*place, plan.empty(), context.out);
  if (!opened) return tl::unexpected(opened.error());
  const std::vector<SlotStatus> list = opened->slots->List();
  for (const SlotStatus& status : list) {
    if (!IsToBeMade(status.state)) continue;
    Failure failure(status.problem.WithContext(
        ToString(status.slot) + " could not be added or wrapped again"));
    failure.hint = "a later load, or this command, does it";
    return tl::unexpected(std::move(failure));
  }
  return ReportSlots(context, "slot-add", *place, list, !plan.empty(), {});
}

Outcome CheckNotConfigured(const SealedFileSlots& slots, uint16_t number) {
  for (const SlotStatus& status : slots.List()) {
    if (status.slot.number == number && status.state != SlotState::kForeign) {
      return UsageFailure(
          ToString(status.slot) +
              " is in the configuration, which would add it again; nothing was "
              "changed",
          "remove the key from the configuration first");
    }
  }
  return ExitCode::kOk;
}

// Before anybody is asked, and for --dry-run.
Outcome CheckMayRemove(const Place& place, uint16_t number) {
  std::unique_ptr<WritableFile> lock;
  const Outcome free = LockFile(PosixFileSystem(), place.path, lock);
  if (!free) return free;
  NoLog quiet;
  const auto opened = Open(place, true, quiet);
  if (!opened) return tl::unexpected(opened.error());
  return CheckNotConfigured(*opened->slots, number);
}

Outcome RemoveSlot(CommandContext& context, const Place& place,
                   uint16_t number) {
  const auto opened = Open(place, false, context.out);
  if (!opened) return tl::unexpected(opened.error());
  const Outcome may = CheckNotConfigured(*opened->slots, number);
  if (!may) return may;
  opened->slots->OpenEach(opened->deadline);
  const Status status = opened->slots->Remove(number);
  if (!status.ok()) {
    return FileFailed(status.WithContext("key slot " + std::to_string(number) +
                                         " was not removed"));
  }
  context.out.Warn("copies of the file keep the key slot",
                   "keyringctl reseal makes a new data key, which it cannot "
                   "open");
  return ReportSlots(context, "slot-remove", place, opened->slots->List(), true,
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
  const Outcome may = CheckMayRemove(*place, number);
  if (!may) return may;
  const auto ended =
      Confirm(context, "slot-remove", "Remove key slot " + word + "?", plan);
  if (ended) return *ended;
  return RemoveSlot(context, *place, number);
}

// Every key is still there, by the file as it is now.
Outcome CompareKeysAfter(CommandContext& context, const Place& place,
                         const std::vector<Key>& before) {
  auto store =
      OpenKeyringStore(context, place.installation, StoreRole::kSource);
  if (!store) return tl::unexpected(store.error());
  const auto after = (*store)->ReadAll();
  if (!after) return tl::unexpected(after.error());
  if (CompareKeys(before, *after).equal == before.size()) {
    return ExitCode::kOk;
  }
  return Failed(
      {StatusCode::kCorrupt, place.path + " does not give back the same keys"});
}

Outcome RunReseal(CommandContext& context) {
  const auto place = FindSealedFile(context, Needs::kConfiguration);
  if (!place) return tl::unexpected(place.error());
  std::vector<Key> before;
  {
    auto store =
        OpenKeyringStore(context, place->installation, StoreRole::kSource);
    if (!store) return tl::unexpected(store.error());
    auto keys = (*store)->ReadAll();
    if (!keys) return tl::unexpected(keys.error());
    before = std::move(*keys);
  }
  const auto ended = Confirm(
      context, "reseal", "Rewrite " + place->path + " under a new data key?",
      {{"reseal", place->path,
        std::to_string(before.size()) +
            " keys, under a new data key; a slot for each configured key"}});
  if (ended) return *ended;
  std::vector<std::string> dropped;
  std::vector<SlotStatus> list;
  {
    const auto opened = Open(*place, false, context.out);
    if (!opened) return tl::unexpected(opened.error());
    const auto problems = opened->slots->Reseal(opened->deadline);
    if (!problems) return Failed(problems.error());
    for (const SlotProblem& problem : *problems) {
      dropped.push_back(ToString(problem.slot) + ": " +
                        problem.status.message());
    }
    list = opened->slots->List();
  }
  const Outcome same = CompareKeysAfter(context, *place, before);
  if (!same) return same;
  context.out.Warn("copies of the old file can be opened as before",
                   "destroy them where that matters, and make a backup");
  return ReportSlots(context, "reseal", *place, list, true, dropped);
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

CommandSpec ResealCommand() {
  return {"reseal",
          "rewrite a sealed file under a new data key",
          "Makes a new data key, rewrites all records under it, and gives the "
          "file a slot for each configured key: whoever could open a slot "
          "that is gone cannot open the new file. Slots that cannot be made "
          "now are dropped and named. The keys stay the same, and are "
          "compared. Copies of the old file open as before. Stop the server "
          "first.",
          {},
          {},
          {{"keyringctl reseal --dry-run", "What would be done."}},
          Effect::kChanges,
          Scope::kKeyring,
          RunReseal};
}

}  // namespace openkeyring
