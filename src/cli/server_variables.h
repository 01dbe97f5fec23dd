// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SERVER_VARIABLES_H_
#define OPENKEYRING_CLI_SERVER_VARIABLES_H_

#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/option_files.h"

namespace openkeyring {

// The variables of one plugin, taken one by one by code that knows their names
// and types; the counterpart of JsonOptions. Problems are collected, and Finish
// reports all of them, and every variable of this prefix that was not asked
// for.
class VariableReader {
 public:
  // `prefix` ends with "_".
  VariableReader(const ServerVariables& variables, std::string prefix)
      : variables_(variables), prefix_(std::move(prefix)) {}

  bool Has(const std::string& name) const;
  std::string Text(const std::string& name, const std::string& fallback = "");
  bool Bool(const std::string& name, bool fallback);
  int64_t Integer(const std::string& name, int64_t fallback, int64_t least,
                  int64_t most);
  // The index of the value among these; by name, in any case, or by number.
  size_t Choice(const std::string& name, size_t fallback,
                const std::vector<std::string>& choices);
  void Require(const std::string& name);
  void Complain(const std::string& text) { errors_.push_back(text); }
  // A variable that this code does not need.
  void Skip(const std::string& name) { known_.insert(name); }

  // Ok, or kMisconfigured with all that is wrong.
  Status Finish();

 private:
  const std::string* Find(const std::string& name);

  const ServerVariables& variables_;
  const std::string prefix_;
  std::set<std::string> known_;
  std::vector<std::string> errors_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SERVER_VARIABLES_H_
