// SPDX-License-Identifier: MIT
#include "cli/program.h"

#include <algorithm>
#include <ostream>

#include "cli/command_line.h"
#include "cli/command_table.h"
#include "cli/help_text.h"

namespace openkeyring {
namespace {

Output::Options OutputOptions(const Terminal& terminal,
                              const Arguments& arguments) {
  Output::Options options;
  options.json = arguments.Has("--json");
  options.verbose = arguments.Has("--verbose");
  const std::string choice =
      arguments.Has("--color") ? arguments.Text("--color") : "auto";
  options.color = WantsColor(choice, terminal.data_is_terminal,
                             terminal.no_color, terminal.term);
  options.progress = terminal.people_is_terminal && terminal.term != "dumb";
  options.data_is_terminal = terminal.data_is_terminal;
  options.interactive =
      terminal.in_is_terminal && terminal.people_is_terminal && !options.json;
  return options;
}

Output MakeOutput(const Terminal& terminal, const Arguments& arguments) {
  return {terminal.data, terminal.people, terminal.in, SystemClock(),
          OutputOptions(terminal, arguments)};
}

// The line could not be read: whether it asked for JSON is all that is known.
int ReportUsage(const Terminal& terminal, const std::vector<std::string>& words,
                const Failure& failure) {
  Arguments arguments;
  if (std::ranges::find(words, "--json") != words.end()) {
    arguments.Set("--json");
  }
  MakeOutput(terminal, arguments)
      .Report(words.empty() ? "" : words.front(), failure);
  return static_cast<int>(failure.code);
}

int PrintHelp(const Terminal& terminal, const CommandLine& line) {
  terminal.data << (line.command != nullptr ? CommandHelp(*line.command)
                    : line.arguments.Has("--version")
                        ? "keyringctl " OPENKEYRING_VERSION "\n"
                        : ProgramHelp());
  return 0;
}

ExitCode CodeOf(const Outcome& outcome, const CommandLine& line, Output& out) {
  if (!outcome) {
    out.Report(line.command->name, outcome.error());
    return outcome.error().code;
  }
  const bool counts = line.arguments.Has("--strict") && out.warnings() > 0;
  return *outcome == ExitCode::kOk && counts ? ExitCode::kProblems : *outcome;
}

}  // namespace

int RunProgram(const std::vector<std::string>& words, const Terminal& terminal,
               Interruption& interruption) {
  const auto line = ParseCommandLine(words);
  if (!line) return ReportUsage(terminal, words, line.error());
  if (line->command == nullptr || line->arguments.Has("--help")) {
    return PrintHelp(terminal, *line);
  }
  Output out = MakeOutput(terminal, line->arguments);
  CommandContext context{line->arguments, out, interruption};
  Outcome outcome = line->command->run(context);
  if (!outcome && line->command->effect == Effect::kReads &&
      interruption.requested()) {
    outcome = Interrupted();
  }
  const ExitCode code = CodeOf(outcome, *line, out);
  terminal.data.flush();
  if (terminal.data.fail() && code == ExitCode::kOk) {
    out.Report(line->command->name,
               Failure({StatusCode::kUnavailable, "stdout cannot be written"},
                       ExitCode::kFailed));
    return static_cast<int>(ExitCode::kFailed);
  }
  return static_cast<int>(code);
}

}  // namespace openkeyring
