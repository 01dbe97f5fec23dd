// SPDX-License-Identifier: MIT
#include "cli/command_table.h"

#include <algorithm>

namespace openkeyring {
namespace {

using Completes = OptionSpec::Completes;

const std::vector<OptionSpec>& KeyringOptions() {
  static const std::vector<OptionSpec> options = {
      {"--product",
       "NAME",
       "The product whose keyring is meant",
       {"component_keyring_kms", "component_keyring_kmip", "keyring_aws",
        "aws_key_management", "kmip_key_management"}},
      {"--config",
       "FILE",
       "A component's configuration file",
       {},
       Completes::kFile},
      {"--defaults-file",
       "FILE",
       "The server's option file, instead of those that the server reads",
       {},
       Completes::kFile},
      {"--datadir",
       "DIR",
       "The server's data directory",
       {},
       Completes::kDirectory},
      {"--plugin-dir",
       "DIR",
       "The server's plugin directory",
       {},
       Completes::kDirectory},
      {"--path",
       "PATH",
       "This keyring file, or directory of key files, instead of the "
       "configured one, such as a backup",
       {},
       Completes::kFile},
  };
  return options;
}

const std::vector<OptionSpec>& ChangeOptions() {
  static const std::vector<OptionSpec> options = {
      {"-n,--dry-run", nullptr, "Print the plan and change nothing"},
      {"-y,--yes", nullptr, "Do not ask before a change"},
  };
  return options;
}

const std::vector<OptionSpec>& EveryOptions() {
  static const std::vector<OptionSpec> options = {
      {"--json", nullptr, "One JSON object on stdout, errors on stderr"},
      {"--strict", nullptr, "Warnings make the exit code 3"},
      {"--color",
       "WHEN",
       "Color: auto (the default), always or never",
       {"auto", "always", "never"}},
      {"-v,--verbose", nullptr, "Say what was found and taken"},
      {"-h,--help", nullptr, "Describe the command and end"},
  };
  return options;
}

void Append(std::vector<OptionSpec>& to, const std::vector<OptionSpec>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

const std::vector<CommandSpec>& Commands() {
  static const std::vector<CommandSpec> commands = {
      CheckCommand(),    ListCommand(),    ShowCommand(),
      VerifyCommand(),   DueCommand(),     BundleCommand(),
      ConvertCommand(),  MigrateCommand(), BackupCommand(),
      RestoreCommand(),  RewrapCommand(),  InitCommand(),
      SlotListCommand(), SlotAddCommand(), SlotRemoveCommand(),
      ResealCommand(),   RecoverCommand(), CompletionCommand(),
      ManCommand(),      HelpCommand(),
  };
  return commands;
}

const CommandSpec* FindCommand(const std::string& name) {
  const auto found = std::ranges::find_if(
      Commands(),
      [&](const CommandSpec& command) { return command.name == name; });
  return found == Commands().end() ? nullptr : &*found;
}

std::vector<OptionSpec> AllOptions(const CommandSpec& command) {
  std::vector<OptionSpec> options = command.options;
  if (command.scope == Scope::kKeyring) Append(options, KeyringOptions());
  if (command.effect == Effect::kChanges) Append(options, ChangeOptions());
  Append(options, EveryOptions());
  return options;
}

const std::vector<OptionSpec>& ProgramOptions() {
  static const std::vector<OptionSpec> options = {
      {"-h,--help", nullptr, "List the commands and end"},
      {"-V,--version", nullptr, "Print the version and end"},
  };
  return options;
}

std::string LongName(const OptionSpec& option) {
  const std::string name = option.name;
  const size_t comma = name.find(',');
  return comma == name.npos ? name : name.substr(comma + 1);
}

std::string UsageLine(const CommandSpec& command) {
  std::string line = std::string("keyringctl ") + command.name + " [OPTIONS]";
  for (const OperandSpec& operand : command.operands) {
    std::string name = operand.name;
    if (operand.repeats) name += "...";
    line += operand.required ? " " + name : " [" + name + "]";
  }
  return line;
}

}  // namespace openkeyring
