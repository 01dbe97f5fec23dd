// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMAND_H_
#define OPENKEYRING_CLI_COMMAND_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "cli/interruption.h"
#include "cli/output.h"

namespace openkeyring {

// One option of a command. Parsing, --help, the man page and the completions
// are made from this.
struct OptionSpec {
  // How a shell completes the value.
  enum class Completes { kNothing, kFile, kDirectory };

  const char* name;             // "--product"; one letter more: "-v,--verbose".
  const char* value = nullptr;  // "NAME"; null: a flag.
  const char* text = "";        // One sentence, without a period.
  // The values that are accepted, by themselves; empty: any.
  std::vector<std::string> choices = {};
  Completes completes = Completes::kNothing;
  bool repeats = false;  // May be given more than once.
};

// An argument without a dash.
struct OperandSpec {
  const char* name;  // "ID"
  const char* text;
  bool required = true;
  bool repeats = false;  // The last one only.
  std::vector<std::string> choices = {};
};

struct Example {
  const char* command;  // "keyringctl list"; a test runs it.
  const char* text;
};

// What was given on the command line, by the names in the table.
class Arguments {
 public:
  bool Has(const std::string& name) const { return values_.contains(name); }
  // "" when absent.
  std::string Text(const std::string& name) const;
  std::vector<std::string> All(const std::string& name) const;
  void Add(const std::string& name, std::string value) {
    values_[name].push_back(std::move(value));
  }
  void Set(const std::string& name) { (void)values_[name]; }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// What a command works with. All borrowed.
struct CommandContext {
  const Arguments& arguments;
  Output& out;
  Interruption& interruption;
};

enum class Effect {
  kReads,    // Changes nothing, anywhere.
  kChanges,  // Has --dry-run and --yes.
};
// Which common options a command has.
enum class Scope {
  kNone,     // No keyring: version, help, completion.
  kKeyring,  // One keyring: --product, --path, ...
};

struct CommandSpec {
  const char* name;     // "list", or of two words: "slot list".
  const char* summary;  // One line, without a period.
  const char* text;     // Paragraphs, separated by an empty line.
  std::vector<OperandSpec> operands;
  std::vector<OptionSpec> options;
  std::vector<Example> examples;
  Effect effect;
  Scope scope;
  std::function<Outcome(CommandContext&)> run;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMAND_H_
