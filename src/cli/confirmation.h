// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_CONFIRMATION_H_
#define OPENKEYRING_CLI_CONFIRMATION_H_

#include <string>
#include <vector>

#include "cli/command.h"

namespace openkeyring {

// One thing that a command is about to do.
struct PlannedStep {
  std::string action;  // "replace", "create", "wrap again", ...
  std::string target;  // A path, a slot, an object.
  std::string detail;  // Of what, into what; may be "".
};

// Everything that a changing command does, before it does anything: the steps
// are data, so that --dry-run prints exactly what would be done.
using Plan = std::vector<PlannedStep>;

// What stands between a plan and its first step. Nothing: go on. Otherwise the
// command ends with this outcome, and has changed nothing:
//   --dry-run          kOk, the plan is printed (JSON: member "plan", and
//                      "changed": false)
//   no                 kFailed
//   no terminal, no --yes   kUnconfirmed
//   interrupted        kInterrupted
// `command` is the name in the schema; `question` ends with "?".
std::optional<Outcome> Confirm(CommandContext& context, const char* command,
                               const std::string& question, const Plan& plan);

// For what is dangerous even to somebody who says --yes: `word` must be typed,
// and --yes does not help. kUnconfirmed where there is no terminal.
std::optional<Outcome> ConfirmTyped(CommandContext& context,
                                    const std::string& warning,
                                    const std::string& word);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_CONFIRMATION_H_
