// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_KEY_H_
#define OPENKEYRING_KEYRING_KEY_H_

#include <compare>
#include <string>

#include "base/secret.h"

namespace openkeyring {

// How MySQL names a key: its data id, never empty, and its auth id, the owner
// ("user@host"), empty for the server's own keys. Two keys may have the same
// data id and different owners.
struct KeyName {
  std::string data_id;
  std::string auth_id;
  auto operator<=>(const KeyName&) const = default;
};

// As an error text names it: key "id", or key "id" of "owner". What would break
// a line of a log becomes '?', and a long name is cut.
inline std::string ToString(const KeyName& name) {
  std::string text = "key \"" + name.data_id.substr(0, 256) + "\"";
  if (!name.auth_id.empty()) {
    text += " of \"" + name.auth_id.substr(0, 256) + "\"";
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return text;
}

struct Key {
  KeyName name;
  std::string type;  // "AES", "SECRET", ...: kept as given, never empty.
  Secret data;
};

// The most bytes that a key can have: keyring_udf copies what it fetches into a
// buffer of this size without looking (systems.md 5M).
constexpr size_t kMaxKeyBytes = 16384;

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_KEY_H_
