// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_PROGRAM_H_
#define OPENKEYRING_CLI_PROGRAM_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/interruption.h"

namespace openkeyring {

// Where a run of the program reads and writes. Borrowed.
struct Terminal {
  std::ostream& data;
  std::ostream& people;
  std::istream& in;
  bool data_is_terminal = false, people_is_terminal = false,
       in_is_terminal = false;
  std::string no_color, term;  // The variables NO_COLOR and TERM.
};

// Parses the words behind the program's name, runs the command, reports its
// failure, and gives the exit code. An exception of a library is a failure,
// too.
int RunProgram(const std::vector<std::string>& words, const Terminal& terminal,
               Interruption& interruption);

// Reports why no command was run, in the form that the words ask for, whether
// they can be parsed or not, and gives the exit code.
int ReportFailure(const std::vector<std::string>& words,
                  const Terminal& terminal, const Failure& failure);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_PROGRAM_H_
