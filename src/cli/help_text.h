// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_HELP_TEXT_H_
#define OPENKEYRING_CLI_HELP_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace openkeyring {

// What --help prints, from the table of commands.
std::string ProgramHelp();
std::string CommandHelp(const CommandSpec& command);

// What `keyringctl help TOPIC` explains besides commands.
struct HelpTopic {
  const char* name;
  const char* summary;
  const char* text;
};
const std::vector<HelpTopic>& HelpTopics();

// The table of commands as a manual page (roff), and as completions for bash,
// zsh or fish.
std::string ManPage();
std::string Completion(std::string_view shell);

// `text` in lines of at most `width` characters, each behind `indent` spaces.
std::string Wrapped(std::string_view text, size_t width, size_t indent);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_HELP_TEXT_H_
