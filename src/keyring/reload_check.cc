// SPDX-License-Identifier: MIT
#include "keyring/reload_check.h"

#include <string>

namespace openkeyring {
namespace {

constexpr size_t kMostNamed = 3;

// How many keys, and the first few by name.
struct KeyTally {
  size_t count = 0;
  std::string names;

  void Add(const KeyName& name) {
    if (count++ < kMostNamed) {
      names += (names.empty() ? "" : ", ") + ToString(name);
    }
  }
  std::string Text() const {
    return std::to_string(count) + " (" + names +
           (count > kMostNamed ? ", ...)" : ")");
  }
};

bool IsSame(const Key& left, const Key& right) {
  return left.type == right.type && left.data.Equals(right.data);
}

}  // namespace

Status CheckServedKeysKept(const Keyring& serving, const Keyring& loaded) {
  KeyTally missing, changed;
  size_t served = 0;
  const auto found = loaded.List();
  auto next = found.begin();  // Both are in the order of their names.
  for (const Keyring::KeyPointer& key : serving.List()) {
    ++served;
    while (next != found.end() && (*next)->name < key->name) ++next;
    if (next == found.end() || (*next)->name != key->name) {
      missing.Add(key->name);
    } else if (!IsSame(*key, **next)) {
      changed.Add(key->name);
    }
  }
  if (missing.count + changed.count == 0) return Status::Ok();
  std::string text =
      "the reload is refused: of " + std::to_string(served) + " keys in use, ";
  if (missing.count != 0) text += missing.Text() + " would be lost";
  if (missing.count * changed.count != 0) text += " and ";
  if (changed.count != 0) text += changed.Text() + " would change";
  return {StatusCode::kMisconfigured,
          text +
              "; put the newest keyring back and reload again, or, if the "
              "keys were removed or replaced on purpose, restart the "
              "server"};
}

}  // namespace openkeyring
