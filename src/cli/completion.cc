// SPDX-License-Identifier: MIT
#include <map>

#include "cli/command_table.h"
#include "cli/help_text.h"

namespace openkeyring {
namespace {

using Completes = OptionSpec::Completes;

std::string Joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

// "first" -> the words that may follow it: "slot" -> "list add remove".
std::map<std::string, std::vector<std::string>> CommandTree() {
  std::map<std::string, std::vector<std::string>> tree;
  for (const CommandSpec& command : Commands()) {
    const std::string name = command.name;
    const size_t space = name.find(' ');
    auto& second = tree[name.substr(0, space)];
    if (space != name.npos) second.push_back(name.substr(space + 1));
  }
  return tree;
}

std::string FirstWords() {
  std::vector<std::string> words;
  for (const auto& [first, second] : CommandTree()) words.push_back(first);
  return Joined(words);
}

std::vector<std::string> WordsOf(const CommandSpec& command) {
  std::vector<std::string> words;
  for (const OptionSpec& option : AllOptions(command)) {
    words.push_back(LongName(option));
  }
  for (const OperandSpec& operand : command.operands) {
    words.insert(words.end(), operand.choices.begin(), operand.choices.end());
  }
  return words;
}

// Options with a value, over all commands, by what completes it.
std::map<std::string, const OptionSpec*> ValuedOptions(
    std::vector<std::vector<OptionSpec>>& storage) {
  std::map<std::string, const OptionSpec*> valued;
  for (const CommandSpec& command : Commands()) {
    storage.push_back(AllOptions(command));
  }
  for (const auto& options : storage) {
    for (const OptionSpec& option : options) {
      if (option.value != nullptr) valued.emplace(LongName(option), &option);
    }
  }
  return valued;
}

std::string BashValue(const OptionSpec& option) {
  if (!option.choices.empty()) {
    return "COMPREPLY=($(compgen -W '" + Joined(option.choices) +
           "' -- \"$word\"))";
  }
  if (option.completes == Completes::kFile) {
    return "COMPREPLY=($(compgen -f -- \"$word\"))";
  }
  if (option.completes == Completes::kDirectory) {
    return "COMPREPLY=($(compgen -d -- \"$word\"))";
  }
  return "COMPREPLY=()";
}

std::string Bash() {
  std::string script =
      "# bash completion of keyringctl\n_keyringctl() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} "
      "before=${COMP_WORDS[COMP_CWORD-1]}"
      "\n  local command=${COMP_WORDS[1]} words\n  case $before in\n";
  std::vector<std::vector<OptionSpec>> storage;
  for (const auto& [name, option] : ValuedOptions(storage)) {
    script += "    " + name + ") " + BashValue(*option) + "; return ;;\n";
  }
  script += "  esac\n";
  for (const auto& [first, second] : CommandTree()) {
    if (second.empty()) continue;
    script += "  [[ $command == " + first +
              " && COMP_CWORD -gt 2 ]] && command=\"$command "
              "${COMP_WORDS[2]}\"\n";
  }
  script +=
      "  ((COMP_CWORD == 1)) && command=\n  case $command in\n    '') "
      "words='" +
      FirstWords() + " --help --version' ;;\n";
  for (const auto& [first, second] : CommandTree()) {
    if (second.empty()) continue;
    script += "    " + first + ") words='" + Joined(second) + "' ;;\n";
  }
  for (const CommandSpec& command : Commands()) {
    script += "    '" + std::string(command.name) + "') words='" +
              Joined(WordsOf(command)) + "' ;;\n";
  }
  return script +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
         "complete -F _keyringctl keyringctl\n";
}

// zsh runs bash's completions.
std::string Zsh() {
  return "#compdef keyringctl\nautoload -U +X bashcompinit && bashcompinit\n" +
         Bash();
}

std::string FishQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishOption(const OptionSpec& option) {
  std::string line = " -l " + LongName(option).substr(2);
  if (option.name[1] != '-') line += std::string(" -s ") + option.name[1];
  if (option.value != nullptr) line += " -x";
  if (!option.choices.empty()) {
    line += " -a " + FishQuoted(Joined(option.choices));
  } else if (option.completes == Completes::kFile) {
    line += " -a '(__fish_complete_path)'";
  } else if (option.completes == Completes::kDirectory) {
    line += " -a '(__fish_complete_directories)'";
  }
  return line + " -d " + FishQuoted(option.text);
}

std::string Fish() {
  const std::string begin = "complete -c keyringctl";
  std::string script = "# fish completion of keyringctl\n" + begin + " -f\n";
  for (const CommandSpec& command : Commands()) {
    const std::string name = command.name;
    const size_t space = name.find(' ');
    const std::string first = name.substr(0, space);
    std::string seen = "__fish_seen_subcommand_from " + first;
    if (space == name.npos) {
      script += begin + " -n __fish_use_subcommand -a " + first + " -d " +
                FishQuoted(command.summary) + "\n";
    } else {
      const std::string second = name.substr(space + 1);
      script += begin + " -n __fish_use_subcommand -a " + first + "\n" + begin +
                " -n '" + seen + "' -a " + second + " -d " +
                FishQuoted(command.summary) + "\n";
      seen += "; and __fish_seen_subcommand_from " + second;
    }
    for (const OptionSpec& option : AllOptions(command)) {
      script += begin + " -n '" + seen + "'" + FishOption(option) + "\n";
    }
  }
  return script;
}

}  // namespace

std::string Completion(std::string_view shell) {
  if (shell == "zsh") return Zsh();
  return shell == "fish" ? Fish() : Bash();
}

}  // namespace openkeyring
