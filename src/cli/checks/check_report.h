// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_CHECKS_CHECK_REPORT_H_
#define OPENKEYRING_CLI_CHECKS_CHECK_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checks/check.h"
#include "cli/command.h"

namespace openkeyring {

struct CheckOptions {
  bool pre = false;
  std::vector<std::string> skip;  // Ids.
  ServerLogin login;              // To a server that runs.
};

// Runs the checks one after the other; stops when it is interrupted.
std::vector<CheckResult> RunChecks(const Installation& installation,
                                   CommandContext& context,
                                   const CheckOptions& options);

// kOk; kProblems when a check failed, and kUnreachable when all failures are of
// the key server; with `strict` a warning is kProblems.
ExitCode CodeOf(const std::vector<CheckResult>& results, bool strict);

// The printers. Each shows the worst state of a check, and what was found.
void PrintText(const std::vector<CheckResult>& results, Output& out);
nlohmann::ordered_json JsonOf(const Installation& installation,
                              const std::vector<CheckResult>& results);
void PrintPrometheus(const Installation& installation,
                     const std::vector<CheckResult>& results, Output& out);
// One line, and the exit codes of Nagios: 0 ok, 1 warning, 2 critical. With
// `strict` a warning is critical, also one that went to stderr.
ExitCode PrintNagios(const std::vector<CheckResult>& results, bool strict,
                     Output& out);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_CHECKS_CHECK_REPORT_H_
