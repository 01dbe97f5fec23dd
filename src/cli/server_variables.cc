// SPDX-License-Identifier: MIT
#include "cli/server_variables.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "cli/command_line.h"

namespace openkeyring {

const std::string* VariableReader::Find(const std::string& name) {
  known_.insert(name);
  const auto found = variables_.find(prefix_ + name);
  return found == variables_.end() ? nullptr : &found->second;
}

bool VariableReader::Has(const std::string& name) const {
  const auto found = variables_.find(prefix_ + name);
  return found != variables_.end() && !found->second.empty();
}

std::string VariableReader::Text(const std::string& name,
                                 const std::string& fallback) {
  const std::string* value = Find(name);
  return value == nullptr ? fallback : *value;
}

bool VariableReader::Bool(const std::string& name, bool fallback) {
  const std::string* value = Find(name);
  if (value == nullptr) return fallback;
  const std::string text = AsciiLower(*value);
  if (text == "1" || text == "on" || text == "true" || text == "yes") {
    return true;
  }
  if (text != "0" && text != "off" && text != "false" && text != "no") {
    Complain(prefix_ + name + " must be ON or OFF, not " + *value);
  }
  return false;
}

int64_t VariableReader::Integer(const std::string& name, int64_t fallback,
                                int64_t least, int64_t most) {
  const std::string* value = Find(name);
  if (value == nullptr) return fallback;
  int64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [at, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc() || at != end) {
    Complain(prefix_ + name + " must be a number, not " + *value);
    return fallback;
  }
  return std::clamp(number, least, most);  // As the servers do it.
}

size_t VariableReader::Choice(const std::string& name, size_t fallback,
                              const std::vector<std::string>& choices) {
  const std::string* value = Find(name);
  if (value == nullptr) return fallback;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (AsciiLower(*value) == AsciiLower(choices[i]) ||
        *value == std::to_string(i)) {
      return i;
    }
  }
  std::string all;
  for (const std::string& choice : choices) {
    all += (all.empty() ? "" : ", ") + choice;
  }
  Complain(prefix_ + name + " must be one of " + all + ", not " + *value);
  return fallback;
}

void VariableReader::Require(const std::string& name) {
  if (!Has(name)) Complain(prefix_ + name + " is not set");
}

Status VariableReader::Finish() {
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (auto at = variables_.lower_bound(prefix_);
       at != variables_.end() && at->first.starts_with(prefix_); ++at) {
    const std::string name = at->first.substr(prefix_.size());
    if (known_.contains(name)) continue;
    const std::string nearest = NearestWord(name, known);
    Complain(
        "unknown variable " + at->first +
        (nearest.empty() ? "" : "; did you mean " + prefix_ + nearest + "?"));
  }
  if (errors_.empty()) return Status::Ok();
  std::string all;
  for (const std::string& error : errors_) {
    all += (all.empty() ? "" : "; ") + error;
  }
  return {StatusCode::kMisconfigured, all};
}

}  // namespace openkeyring
