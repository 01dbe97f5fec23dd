// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMAND_TABLE_H_
#define OPENKEYRING_CLI_COMMAND_TABLE_H_

#include <string>
#include <vector>

#include "cli/command.h"

namespace openkeyring {

// Every command, in the order in which they are shown. A command is described
// beside its code; this list is the only other place that knows it.
const std::vector<CommandSpec>& Commands();

// Null when there is none of that name.
const CommandSpec* FindCommand(const std::string& name);

// The options that this command has: its own, then those of its scope and
// effect, then those of every command.
std::vector<OptionSpec> AllOptions(const CommandSpec& command);

// Options in front of a command: --help, --version.
const std::vector<OptionSpec>& ProgramOptions();

// "-v,--verbose" -> "--verbose": the name in Arguments.
std::string LongName(const OptionSpec& option);

// "keyringctl slot add [OPTIONS] ID"
std::string UsageLine(const CommandSpec& command);

// Those of Commands() whose code is in files of their own.
CommandSpec CheckCommand();
CommandSpec ListCommand();
CommandSpec ShowCommand();
CommandSpec VerifyCommand();
CommandSpec DueCommand();
CommandSpec BundleCommand();
CommandSpec ConvertCommand();
CommandSpec MigrateCommand();
CommandSpec BackupCommand();
CommandSpec RestoreCommand();
CommandSpec RewrapCommand();
CommandSpec InitCommand();
CommandSpec SlotListCommand();
CommandSpec SlotAddCommand();
CommandSpec SlotRemoveCommand();
CommandSpec ResealCommand();
CommandSpec RecoverCommand();
CommandSpec CompletionCommand();
CommandSpec ManCommand();
CommandSpec HelpCommand();

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMAND_TABLE_H_
