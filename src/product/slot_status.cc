// SPDX-License-Identifier: MIT
#include "product/slot_status.h"

namespace openkeyring {
namespace {

void Add(std::string& list, const std::string& entry) {
  list += (list.empty() ? "" : "; ") + entry;
}

std::string WithReason(const SlotStatus& slot) {
  const std::string& reason = slot.problem.message();
  return ToString(slot.slot) + (reason.empty() ? "" : ": " + reason);
}

}  // namespace

SlotSummary SummaryOf(const SealedFileSlots& slots) {
  SlotSummary summary;
  for (const SlotStatus& slot : slots.List()) {
    if (slot.state != SlotState::kMissing) ++summary.slots;
    switch (slot.state) {
      case SlotState::kOpened:
        ++summary.opening;
        break;
      case SlotState::kStale:
        if (slot.slot.number == slots.opened().number) ++summary.opening;
        [[fallthrough]];
      case SlotState::kFailed:
        ++summary.failed_count;
        Add(summary.failed, WithReason(slot));
        break;
      case SlotState::kUntried:
        Add(summary.untried, ToString(slot.slot));
        break;
      case SlotState::kForeign:
        Add(summary.foreign, ToString(slot.slot));
        break;
      case SlotState::kMissing:
        ++summary.missing_count;
        Add(summary.missing, WithReason(slot));
        break;
    }
  }
  summary.opened = ToString(slots.opened());
  summary.opened_by_local_slot = slots.opened_by_last_resort();
  return summary;
}

std::vector<std::pair<std::string, std::string>> SlotRows(
    const SlotSummary& summary) {
  return {{"Slots", std::to_string(summary.slots)},
          {"Slots_opening", std::to_string(summary.opening)},
          {"Opened_by_local_slot", summary.opened_by_local_slot ? "1" : "0"},
          {"Slot_opened", summary.opened},
          {"Slots_failed", summary.failed},
          {"Slots_untried", summary.untried},
          {"Slots_missing", summary.missing},
          {"Slots_foreign", summary.foreign}};
}

}  // namespace openkeyring
