// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMANDS_SLOT_REPORT_H_
#define OPENKEYRING_CLI_COMMANDS_SLOT_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "storage/sealed/sealed_file_slots.h"

// Key slots as commands print them.
namespace openkeyring {

nlohmann::ordered_json JsonOfSlots(const std::vector<SlotStatus>& list);
// A table, and behind it what is wrong with slots.
void PrintSlots(const std::vector<SlotStatus>& list, Output& out);

// What was done to the slots of a file, and how they are now. `command` is the
// name in the schema; `dropped`: slots that are gone, and why.
Outcome ReportSlots(CommandContext& context, const char* command,
                    const std::string& path,
                    const std::vector<SlotStatus>& list, bool changed,
                    const std::vector<std::string>& dropped);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMANDS_SLOT_REPORT_H_
