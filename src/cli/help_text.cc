// SPDX-License-Identifier: MIT
#include "cli/help_text.h"

#include <algorithm>

#include "cli/command_table.h"

namespace openkeyring {
namespace {

constexpr size_t kWidth = 80, kTextColumn = 26;

// "  NAME   text", the text wrapped in its column.
std::string Entry(const std::string& name, std::string_view text) {
  std::string entry = "  " + name;
  const std::string wrapped = Wrapped(text, kWidth - kTextColumn, kTextColumn);
  if (entry.size() + 2 > kTextColumn) return entry + "\n" + wrapped;
  entry.resize(kTextColumn, ' ');
  return entry + wrapped.substr(std::min(kTextColumn, wrapped.size()));
}

std::string OptionName(const OptionSpec& option) {
  std::string name = option.name;
  const size_t comma = name.find(',');
  if (comma != name.npos) name.replace(comma, 1, ", ");
  if (option.value != nullptr) name += std::string(" ") + option.value;
  return name;
}

std::string Paragraphs(std::string_view text) {
  std::string all;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find("\n\n", start), text.size());
    all += Wrapped(text.substr(start, end - start), kWidth, 0) + "\n";
    start = end + 2;
  }
  return all;
}

}  // namespace

std::string Wrapped(std::string_view text, size_t width, size_t indent) {
  std::string all, line;
  const auto flush = [&] {
    if (!line.empty()) all += std::string(indent, ' ') + line + "\n";
    line.clear();
  };
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n", start), text.size());
    const std::string_view word = text.substr(start, end - start);
    if (!line.empty() && line.size() + 1 + word.size() > width) flush();
    if (!word.empty()) {
      if (!line.empty()) line += ' ';
      line += word;
    }
    start = end + 1;
  }
  flush();
  return all;
}

std::string ProgramHelp() {
  std::string help =
      "keyringctl looks after the keys of MySQL and MariaDB servers that use\n"
      "OpenKeyring: it finds the server's configuration and opens its "
      "keyring.\n"
      "\nusage: keyringctl COMMAND [OPTIONS]\n\nCommands:\n";
  for (const CommandSpec& command : Commands()) {
    help += Entry(command.name, command.summary);
  }
  help += "\nOptions:\n";
  for (const OptionSpec& option : ProgramOptions()) {
    help += Entry(OptionName(option), option.text);
  }
  help += "\nTopics (keyringctl help TOPIC):\n";
  for (const HelpTopic& topic : HelpTopics()) {
    help += Entry(topic.name, topic.summary);
  }
  return help;
}

std::string CommandHelp(const CommandSpec& command) {
  std::string help =
      "usage: " + UsageLine(command) + "\n\n" + Paragraphs(command.text);
  if (!command.operands.empty()) help += "Arguments:\n";
  for (const OperandSpec& operand : command.operands) {
    help += Entry(operand.name, operand.text);
  }
  if (!command.operands.empty()) help += "\n";
  help += "Options:\n";
  for (const OptionSpec& option : AllOptions(command)) {
    help += Entry(OptionName(option), option.text);
  }
  help += command.examples.size() > 1 ? "\nExamples:\n" : "\nExample:\n";
  for (const Example& example : command.examples) {
    help += std::string("  ") + example.command + "\n" +
            Wrapped(example.text, kWidth - 6, 6);
  }
  return help;
}

}  // namespace openkeyring
