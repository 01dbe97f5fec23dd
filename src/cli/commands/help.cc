// SPDX-License-Identifier: MIT
// The commands that print what the table of commands says.
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/command_table.h"
#include "cli/help_text.h"

namespace openkeyring {
namespace {

Outcome PrintText(CommandContext& context, const char* command,
                  std::string text) {
  if (context.out.json()) {
    context.out.PrintJson(command, {{"text", text}});
  } else {
    text.erase(text.find_last_not_of('\n') + 1);
    context.out.Line(text);
  }
  return ExitCode::kOk;
}

Outcome RunHelp(CommandContext& context) {
  std::string name;
  for (const std::string& word : context.arguments.All("WORD")) {
    name += (name.empty() ? "" : " ") + word;
  }
  if (name.empty()) return PrintText(context, "help", ProgramHelp());
  std::vector<std::string> names;
  for (const CommandSpec& command : Commands()) names.push_back(command.name);
  for (const HelpTopic& topic : HelpTopics()) {
    if (topic.name == name) return PrintText(context, "help", topic.text);
    names.push_back(topic.name);
  }
  if (const CommandSpec* command = FindCommand(name)) {
    return PrintText(context, "help", CommandHelp(*command));
  }
  const std::string nearest = NearestWord(name, names);
  return UsageFailure("there is no command and no topic " + name,
                      nearest.empty() ? "keyringctl help lists them"
                                      : "did you mean " + nearest + "?");
}

}  // namespace

CommandSpec HelpCommand() {
  return {"help",
          "describe a command or a topic",
          "Describes a command, or one of the topics exit-codes, output and "
          "discovery. Without an argument, lists them.",
          {{"WORD", "A command or a topic", false, true}},
          {},
          {{"keyringctl help exit-codes", "What the exit codes mean."}},
          Effect::kReads,
          Scope::kNone,
          RunHelp};
}

CommandSpec ManCommand() {
  return {"man",
          "print the manual page",
          "Prints the manual page in roff. Packages and cmake --install "
          "install it; after a copy by hand, the example does.",
          {},
          {},
          {{"keyringctl man > keyringctl.1",
            "Writes the page; man ./keyringctl.1 shows it."}},
          Effect::kReads,
          Scope::kNone,
          [](CommandContext& context) {
            return PrintText(context, "man", ManPage());
          }};
}

CommandSpec CompletionCommand() {
  return {
      "completion",
      "print the completions of a shell",
      "Prints the script by which bash, zsh or fish completes commands, "
      "options and values.",
      {{"SHELL", "bash, zsh or fish", true, false, {"bash", "zsh", "fish"}}},
      {},
      {{"keyringctl completion bash > keyringctl.bash",
        "Writes the script; . ./keyringctl.bash uses it in this shell."}},
      Effect::kReads,
      Scope::kNone,
      [](CommandContext& context) {
        return PrintText(context, "completion",
                         Completion(context.arguments.Text("SHELL")));
      }};
}

}  // namespace openkeyring
