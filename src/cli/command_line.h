// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMAND_LINE_H_
#define OPENKEYRING_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "cli/command.h"

namespace openkeyring {

struct CommandLine {
  // Null: the program's own --help or --version, which `arguments` has.
  const CommandSpec* command = nullptr;
  Arguments arguments;
};

// What follows the program's name, by the table of commands. A wrong line is
// kUsage, with the nearest word that would have been right. Where --help is
// given nothing else is checked.
tl::expected<CommandLine, Failure> ParseCommandLine(
    const std::vector<std::string>& words);

// The choice that is most like `word`, "" when none is.
std::string NearestWord(const std::string& word,
                        const std::vector<std::string>& choices);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMAND_LINE_H_
