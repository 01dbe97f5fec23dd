// SPDX-License-Identifier: MIT
#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

#include "cli/command_table.h"

namespace openkeyring {
namespace {

// What CLI11 stores into, one for each option of each command.
struct Slot {
  const CommandSpec* command;
  std::string name;
  std::vector<std::string> values;
  CLI::Option* option = nullptr;
};

// CLI11's parser as the table says. Its own help and messages are not used.
class Parser {
 public:
  Parser() : app_("", "keyringctl") {
    Prepare(app_);
    for (const OptionSpec& option : ProgramOptions()) {
      AddOption(app_, nullptr, option);
    }
    for (const CommandSpec& command : Commands()) AddCommand(command);
  }

  // "" or what is wrong.
  std::string Parse(std::vector<std::string> words) {
    std::ranges::reverse(words);  // As CLI11 wants them.
    try {
      app_.parse(words);
    } catch (const CLI::Error& error) {
      return error.what();
    }
    return "";
  }

  CommandLine Result() const {
    CommandLine line;
    for (const auto& [command, app] : apps_) {
      if (app->parsed()) line.command = command;
    }
    for (const Slot& slot : slots_) {
      if (slot.option->count() == 0 || slot.command != line.command) continue;
      line.arguments.Set(slot.name);
      for (const std::string& value : slot.values) {
        line.arguments.Add(slot.name, value);
      }
    }
    return line;
  }

 private:
  static void Prepare(CLI::App& app) {
    app.set_help_flag();
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }

  // "slot add" is the command "add" of "slot", which is none by itself.
  CLI::App* AppOf(const std::string& name) {
    CLI::App*& app = by_name_[name];
    if (app != nullptr) return app;
    const size_t space = name.rfind(' ');
    CLI::App& parent =
        space == name.npos ? app_ : *AppOf(name.substr(0, space));
    app = parent.add_subcommand(space == name.npos ? name
                                                   : name.substr(space + 1));
    Prepare(*app);
    return app;
  }

  void AddCommand(const CommandSpec& command) {
    CLI::App* app = AppOf(command.name);
    apps_.emplace_back(&command, app);
    for (const OptionSpec& option : AllOptions(command)) {
      AddOption(*app, &command, option);
    }
    for (const OperandSpec& operand : command.operands) {
      Slot& slot = slots_.emplace_back(Slot{&command, operand.name, {}});
      slot.option = app->add_option(operand.name, slot.values);
      if (operand.repeats) {
        slot.option->expected(0, 1 << 20);
      } else {
        // Not more: what follows is another operand's.
        slot.option->expected(1)->allow_extra_args(false);
      }
    }
  }

  void AddOption(CLI::App& app, const CommandSpec* command,
                 const OptionSpec& option) {
    Slot& slot = slots_.emplace_back(Slot{command, LongName(option), {}});
    if (option.value == nullptr) {
      slot.option = app.add_flag(option.name);
      slot.option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      return;
    }
    slot.option = app.add_option(option.name, slot.values);
    slot.option->expected(1);
    slot.option->allow_extra_args(false);
    if (option.repeats) {
      slot.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }

  CLI::App app_;
  std::deque<Slot> slots_;
  std::map<std::string, CLI::App*> by_name_;
  std::vector<std::pair<const CommandSpec*, CLI::App*>> apps_;
};

size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min(
          {above + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
      corner = above;
    }
  }
  return row.back();
}

std::string HintFor(const std::string& nearest, const CommandSpec* command) {
  if (!nearest.empty()) return "did you mean " + nearest + "?";
  return command == nullptr
             ? "keyringctl --help lists the commands"
             : std::string("keyringctl ") + command->name + " --help";
}

// The command that the words begin with, and how many of them name it.
std::pair<const CommandSpec*, size_t> CommandIn(
    const std::vector<std::string>& words) {
  if (words.size() > 1) {
    if (const auto* two = FindCommand(words[0] + " " + words[1])) {
      return {two, 2};
    }
  }
  return {words.empty() ? nullptr : FindCommand(words[0]), 1};
}

// The words that could have stood in the first place, or the second.
std::vector<std::string> CommandWords(const std::string& group) {
  std::vector<std::string> words;
  for (const CommandSpec& command : Commands()) {
    std::string name = command.name;
    const size_t space = name.find(' ');
    if (!group.empty() && name.substr(0, space) != group) continue;
    words.push_back(group.empty() ? name.substr(0, space)
                                  : name.substr(space + 1));
  }
  return words;
}

tl::unexpected<Failure> UnknownCommand(const std::vector<std::string>& words) {
  if (words.empty()) {
    return UsageFailure("no command was given",
                        "keyringctl --help lists the commands");
  }
  const std::vector<std::string> first = CommandWords("");
  if (std::ranges::find(first, words[0]) == first.end()) {
    return UsageFailure("unknown command " + words[0],
                        HintFor(NearestWord(words[0], first), nullptr));
  }
  std::string all;
  for (const std::string& word : CommandWords(words[0])) {
    all += (all.empty() ? "" : ", ") + word;
  }
  return UsageFailure("keyringctl " + words[0] + " needs one of: " + all);
}

// Null when the command has no such option; `word` may be "--name=value" or
// one letter with others behind it.
const OptionSpec* FindOption(const std::vector<OptionSpec>& options,
                             const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  for (const OptionSpec& option : options) {
    if (LongName(option) == name) return &option;
    const bool is_short = !word.starts_with("--") && option.name[1] != '-';
    if (is_short && word[1] == option.name[1]) return &option;
  }
  return nullptr;
}

// What CLI11's message would say without the nearest name.
Status CheckOptionNames(const CommandSpec& command,
                        const std::vector<std::string>& words,
                        std::string& hint) {
  const std::vector<OptionSpec> options = AllOptions(command);
  std::vector<std::string> names;
  for (const OptionSpec& option : options) names.push_back(LongName(option));
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (words[i].size() < 2 || words[i][0] != '-') continue;
    const OptionSpec* option = FindOption(options, words[i]);
    if (option == nullptr) {
      const std::string name = words[i].substr(0, words[i].find('='));
      hint = HintFor(NearestWord(name, names), &command);
      return {
          StatusCode::kInvalidArgument,
          "keyringctl " + std::string(command.name) + " has no option " + name};
    }
    // The next word is its value, whatever it looks like.
    if (option->value != nullptr && words[i].find('=') == std::string::npos &&
        (words[i].starts_with("--") || words[i].size() == 2)) {
      ++i;
    }
  }
  return Status::Ok();
}

std::string Listed(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) {
    list += (list.empty() ? "" : ", ") + word;
  }
  return list;
}

Status CheckChoice(const std::string& name, const std::string& value,
                   const std::vector<std::string>& choices) {
  if (choices.empty() || std::ranges::find(choices, value) != choices.end()) {
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument,
          name + " must be one of " + Listed(choices) + ", not " + value};
}

// As of a variable of a script that is not set: to take it for "not given"
// would mean another keyring.
Status CheckNotEmpty(const std::string& name, const std::string& value) {
  if (!value.empty()) return Status::Ok();
  return {StatusCode::kInvalidArgument, name + " must not be empty"};
}

Status CheckValues(const CommandSpec& command, const Arguments& arguments) {
  Status status;
  for (const OptionSpec& option : AllOptions(command)) {
    const bool is_path = option.completes != OptionSpec::Completes::kNothing;
    for (const std::string& value : arguments.All(LongName(option))) {
      if (status.ok() && is_path) {
        status = CheckNotEmpty(LongName(option), value);
      }
      if (status.ok()) {
        status = CheckChoice(LongName(option), value, option.choices);
      }
    }
  }
  for (const OperandSpec& operand : command.operands) {
    if (status.ok() && operand.required && !arguments.Has(operand.name)) {
      status = {
          StatusCode::kInvalidArgument,
          std::string(operand.name) + " is missing: " + UsageLine(command)};
    }
    for (const std::string& value : arguments.All(operand.name)) {
      if (status.ok()) status = CheckNotEmpty(operand.name, value);
      if (status.ok()) {
        status = CheckChoice(operand.name, value, operand.choices);
      }
    }
  }
  return status;
}

// What stands behind "--" is an argument, whatever it looks like.
Status AddOperands(const CommandSpec& command,
                   const std::vector<std::string>& words,
                   Arguments& arguments) {
  for (const std::string& word : words) {
    const auto free =
        std::ranges::find_if(command.operands, [&](const OperandSpec& operand) {
          return operand.repeats || !arguments.Has(operand.name);
        });
    if (free == command.operands.end()) {
      return {StatusCode::kInvalidArgument, "unexpected argument " + word};
    }
    arguments.Add(free->name, word);
  }
  return Status::Ok();
}

bool IsHelp(const std::string& word) {
  return word == "-h" || word == "--help";
}

}  // namespace

std::string NearestWord(const std::string& word,
                        const std::vector<std::string>& choices) {
  std::string nearest;
  size_t best = 2 + word.size() / 4;
  for (const std::string& choice : choices) {
    const size_t distance = Distance(word, choice);
    if (distance < best) {
      best = distance;
      nearest = choice;
    }
  }
  return nearest;
}

tl::expected<CommandLine, Failure> ParseCommandLine(
    const std::vector<std::string>& words) {
  const auto [command, length] = CommandIn(words);
  const bool is_program =
      !words.empty() &&
      (IsHelp(words[0]) || words[0] == "--version" || words[0] == "-V");
  if (command == nullptr && !is_program) return UnknownCommand(words);
  if (command != nullptr) {
    const std::vector<std::string> rest(
        words.begin() + static_cast<ptrdiff_t>(length), words.end());
    const auto end = std::ranges::find(rest, "--");
    if (std::any_of(rest.begin(), end, IsHelp)) {
      CommandLine help{command, {}};
      help.arguments.Set("--help");
      return help;
    }
    std::string hint;
    Status status = CheckOptionNames(*command, rest, hint);
    if (!status.ok()) return UsageFailure(status.message(), hint);
  }
  const auto dashes = std::ranges::find(words, "--");
  Parser parser;
  const std::string wrong = parser.Parse({words.begin(), dashes});
  if (!wrong.empty()) return UsageFailure(wrong, HintFor("", command));
  CommandLine line = parser.Result();
  if (line.command == nullptr) return line;
  Status status = Status::Ok();
  if (dashes != words.end()) {
    status =
        AddOperands(*line.command, {dashes + 1, words.end()}, line.arguments);
  }
  if (status.ok()) status = CheckValues(*line.command, line.arguments);
  if (!status.ok()) {
    return UsageFailure(status.message(), HintFor("", line.command));
  }
  return line;
}

}  // namespace openkeyring
