// SPDX-License-Identifier: MIT
#include <algorithm>

#include "cli/command_table.h"
#include "cli/help_text.h"

namespace openkeyring {
namespace {

// Text for roff: no line of it is a request, and dashes stay dashes.
std::string Roff(std::string_view text) {
  std::string escaped;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    line_begins = c == '\n';
  }
  return escaped;
}

std::string Tagged(const std::string& tag, std::string_view text) {
  return ".TP\n.B " + Roff(tag) + "\n" + Roff(text) + "\n";
}

std::string OptionTag(const OptionSpec& option) {
  std::string tag = option.name;
  std::ranges::replace(tag, ',', ' ');
  return option.value == nullptr ? tag : tag + " " + option.value;
}

std::string Command(const CommandSpec& command) {
  std::string page =
      ".SS " + Roff(UsageLine(command)) + "\n" + Roff(command.text) + "\n";
  for (const OperandSpec& operand : command.operands) {
    page += Tagged(operand.name, operand.text);
  }
  for (const OptionSpec& option : AllOptions(command)) {
    page += Tagged(OptionTag(option), option.text);
  }
  for (const Example& example : command.examples) {
    page += ".PP\nExample: " + Roff(example.text) + "\n.PP\n.nf\n    " +
            Roff(example.command) + "\n.fi\n";
  }
  return page;
}

}  // namespace

std::string ManPage() {
  std::string page =
      ".TH KEYRINGCTL 1 \"\" \"OpenKeyring " OPENKEYRING_VERSION
      "\"\n.SH NAME\nkeyringctl \\- look after the keys of MySQL and MariaDB "
      "servers\n.SH SYNOPSIS\n.B keyringctl\n.I COMMAND\n[OPTIONS]\n"
      ".SH DESCRIPTION\nFinds the configuration of a MySQL or MariaDB server "
      "that uses OpenKeyring, and opens its keyring.\n.SH COMMANDS\n";
  for (const CommandSpec& command : Commands()) page += Command(command);
  for (const HelpTopic& topic : HelpTopics()) {
    std::string title = topic.name;
    std::ranges::transform(title, title.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    page += ".SH \"" + Roff(title) + "\"\n.nf\n" + Roff(topic.text) + ".fi\n";
  }
  return page;
}

}  // namespace openkeyring
