// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_COMMANDS_DUE_LIST_H_
#define OPENKEYRING_CLI_COMMANDS_DUE_LIST_H_

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/installation.h"
#include "cli/stored_keyring.h"

namespace openkeyring {

// What `due` found.
struct DueList {
  struct Entry {
    std::string kind;  // "key", "kms-key", "slot", "certificate",
                       // "private-key".
    std::string what;
    std::string text;  // Why, for people.
  };
  std::vector<Entry> due;
  std::vector<Entry> unknown;  // Nobody could tell whether these are due.
  size_t keys_without_date = 0;
  // Of the first KMS key whose key server did not answer; Ok when all did.
  Status no_answer;
};

// What `due` measures.
struct DueAge {
  std::chrono::seconds limit;
  WallTime now;
  // In seconds: in nanoseconds an age of 300 years does not fit.
  bool IsOver(WallTime since) const {
    return std::chrono::floor<std::chrono::seconds>(now - since) > limit;
  }
};

// The creation dates of KMS keys, by ARN, as far as AWS KMS told them.
using KmsKeyDates = std::map<std::string, WallTime>;

// The KMS keys that are configured, and those that wrap something in the
// keyring: pending deletion, imported key material that expires within 30 days,
// key material older than the age.
KmsKeyDates AddKmsKeys(const Installation& installation,
                       const StoredKeyring& keyring, const DueAge& age,
                       Log& log, DueList& list);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_COMMANDS_DUE_LIST_H_
