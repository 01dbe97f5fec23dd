// SPDX-License-Identifier: MIT
#include "cli/commands/slot_report.h"

#include <utility>

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

Json JsonOfSlots(const std::vector<SlotStatus>& list) {
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

void PrintSlots(const std::vector<SlotStatus>& list, Output& out) {
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

Outcome ReportSlots(CommandContext& context, const char* command,
                    const std::string& path,
                    const std::vector<SlotStatus>& list, bool changed,
                    const std::vector<std::string>& dropped) {
  if (context.out.json()) {
    context.out.PrintJson(command, {{"dry_run", false},
                                    {"changed", changed},
                                    {"place", path},
                                    {"dropped", dropped},
                                    {"slots", JsonOfSlots(list)}});
    return ExitCode::kOk;
  }
  for (const std::string& line : dropped) {
    context.out.Line("dropped " + Printable(line));
  }
  PrintSlots(list, context.out);
  return ExitCode::kOk;
}

}  // namespace openkeyring
