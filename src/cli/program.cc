// SPDX-License-Identifier: MIT
#include "cli/program.h"

#include <algorithm>
#include <exception>
#include <ostream>

#include "cli/command_line.h"
#include "cli/command_table.h"
#include "cli/help_text.h"

namespace openkeyring {
namespace {

Output::Options OutputOptions(const Terminal& terminal,
                              const Arguments& arguments) {
  Output::Options options;
  options.json =
      arguments.Has("--json") || arguments.Text("--format") == "json";
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

// Also of a line that cannot be parsed.
bool AsksForFormat(const std::vector<std::string>& words,
                   const std::string& format) {
  if (words.empty() || words.front() != "check") return false;
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--format=" + format) return true;
    if (words[i] == format && words[i - 1] == "--format") return true;
  }
  return false;
}

bool AsksForJson(const std::vector<std::string>& words) {
  return std::ranges::find(words, "--json") != words.end() ||
         AsksForFormat(words, "json");
}

// Nagios reads stdout and the code. What stands behind a bar are numbers to it.
int ExitUnknown(const Terminal& terminal, const Failure& failure) {
  constexpr int kUnknown = 3;
  std::string text = Printable(failure.status.message());
  std::ranges::replace(text, '|', '/');
  terminal.data << "KEYRING UNKNOWN - " << text << std::endl;
  return kUnknown;
}

int ExitFailed(const std::vector<std::string>& words, const Terminal& terminal,
               const Failure& failure) {
  const bool for_nagios = AsksForFormat(words, "nagios") && !AsksForJson(words);
  return for_nagios && failure.code != ExitCode::kInterrupted
             ? ExitUnknown(terminal, failure)
             : static_cast<int>(failure.code);
}

int PrintHelp(const Terminal& terminal, const CommandLine& line) {
  terminal.data << (line.command != nullptr ? CommandHelp(*line.command)
                    : line.arguments.Has("--version")
                        ? "keyringctl " OPENKEYRING_VERSION "\n"
                        : ProgramHelp());
  return 0;
}

int CodeOf(const Outcome& outcome, const CommandLine& line,
           const std::vector<std::string>& words, const Terminal& terminal,
           Output& out) {
  if (!outcome) {
    out.Report(line.command->name, outcome.error());
    return ExitFailed(words, terminal, outcome.error());
  }
  const bool counts = line.arguments.Has("--strict") && out.warnings() > 0;
  return static_cast<int>(
      *outcome == ExitCode::kOk && counts ? ExitCode::kProblems : *outcome);
}

int Run(const std::vector<std::string>& words, const Terminal& terminal,
        Interruption& interruption) {
  const auto line = ParseCommandLine(words);
  if (!line) return ReportFailure(words, terminal, line.error());
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
  const int code = CodeOf(outcome, *line, words, terminal, out);
  terminal.data.flush();
  if (terminal.data.fail() && code == 0) {
    out.Report(line->command->name,
               Failure({StatusCode::kUnavailable, "stdout cannot be written"},
                       ExitCode::kFailed));
    return static_cast<int>(ExitCode::kFailed);
  }
  return code;
}

}  // namespace

int ReportFailure(const std::vector<std::string>& words,
                  const Terminal& terminal, const Failure& failure) {
  Arguments arguments;
  if (AsksForJson(words)) arguments.Set("--json");
  MakeOutput(terminal, arguments)
      .Report(words.empty() ? "" : words.front(), failure);
  return ExitFailed(words, terminal, failure);
}

int RunProgram(const std::vector<std::string>& words, const Terminal& terminal,
               Interruption& interruption) {
  try {
    return Run(words, terminal, interruption);
  } catch (const std::exception& error) {
    return ReportFailure(
        words, terminal,
        Failure(
            {StatusCode::kInternal,
             std::string("the command was ended by a fault: ") + error.what()},
            ExitCode::kFailed,
            "a change that was interrupted goes on when the command is run "
            "again; memory may have run out, else report this fault"));
  }
}

}  // namespace openkeyring
