// SPDX-License-Identifier: MIT
#include "cli/confirmation.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace openkeyring {
namespace {

std::string Text(const PlannedStep& step) {
  return step.action + " " + step.target +
         (step.detail.empty() ? "" : ": " + step.detail);
}

Outcome PrintPlan(CommandContext& context, const char* command,
                  const Plan& plan) {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const PlannedStep& step : plan) {
    steps.push_back({{"action", step.action},
                     {"target", step.target},
                     {"detail", step.detail}});
    context.out.Line(Printable("would " + Text(step)));
  }
  if (plan.empty()) context.out.Line("nothing to do");
  if (context.out.json()) {
    context.out.PrintJson(
        command,
        {{"dry_run", true}, {"changed", false}, {"plan", std::move(steps)}});
  }
  return ExitCode::kOk;
}

Outcome Unconfirmed(const std::string& hint) {
  return tl::unexpected(
      Failure({StatusCode::kDenied,
               "this changes something, and nobody confirmed it; nothing was "
               "changed"},
              ExitCode::kUnconfirmed, hint));
}

Outcome Declined() {
  return tl::unexpected(
      Failure({StatusCode::kDenied, "not confirmed; nothing was changed"},
              ExitCode::kFailed));
}

}  // namespace

std::optional<Outcome> Confirm(CommandContext& context, const char* command,
                               const std::string& question, const Plan& plan) {
  if (context.arguments.Has("--dry-run")) {
    return PrintPlan(context, command, plan);
  }
  if (context.interruption.requested()) return Interrupted();
  if (context.arguments.Has("--yes")) return std::nullopt;
  if (!context.out.interactive()) {
    return Unconfirmed(
        "--dry-run shows what would be done, --yes does it without a question");
  }
  for (const PlannedStep& step : plan) context.out.Inform("will " + Text(step));
  const std::string answer =
      AsciiLower(Trim(context.out.Ask(Printable(question) + " [y/N]")));
  if (context.interruption.requested()) return Interrupted();
  if (answer == "y" || answer == "yes") return std::nullopt;
  return Declined();
}

std::optional<Outcome> ConfirmTyped(CommandContext& context,
                                    const std::string& warning,
                                    const std::string& word) {
  if (!context.out.interactive()) {
    return Unconfirmed("run it on a terminal: the answer must be typed");
  }
  context.out.Inform(warning);
  const std::string answer =
      context.out.Ask("Type " + Printable(word) + " to go on:");
  if (context.interruption.requested()) return Interrupted();
  if (Trim(answer) == word) return std::nullopt;
  return Declined();
}

}  // namespace openkeyring
