// SPDX-License-Identifier: MIT
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"

namespace openkeyring {
namespace {

// "1" shows every version of MariaDB's key 1, "1.3" one of them.
bool Matches(const StoredKey& key, const std::string& id,
             const Arguments& arguments) {
  if (IdText(key) != id && key.id != id) return false;
  return !arguments.Has("--owner") || key.owner == arguments.Text("--owner");
}

void PrintKey(const StoredKey& key, const StoredKeyring& keyring, WallTime now,
              Output& out) {
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.Line(std::string(name) + ": " + Printable(value));
  };
  line("key", key.id);
  line("version", key.version ? std::to_string(*key.version) : "");
  line("owner", key.owner);
  line("type", key.type);
  line("bytes", key.bytes ? std::to_string(*key.bytes) : "");
  line("created", key.created ? UtcText(*key.created) + " UTC (" +
                                    AgeText(key.created, now) + " ago)"
                              : "");
  line("state", key.state);
  line("wrapped by", key.wrapping_key);
  line("place", key.place.empty() ? keyring.place : key.place);
}

Outcome RunShow(CommandContext& context) {
  const auto keyring = ListKeyring(context);
  if (!keyring) return tl::unexpected(keyring.error());
  const std::string id = context.arguments.Text("ID");
  std::vector<StoredKey> found;
  for (const StoredKey& key : keyring->keys) {
    if (Matches(key, id, context.arguments)) found.push_back(key);
  }
  if (found.empty()) {
    return tl::unexpected(
        Failure({StatusCode::kNotFound,
                 keyring->place + " has no key " + Printable(id)},
                ExitCode::kFailed, "keyringctl list shows the keys"));
  }
  const WallTime now = SystemClock().Now();
  if (context.out.json()) {
    context.out.PrintJsonList(
        "show", JsonOf(*keyring, now), "keys", found.size(),
        [&](size_t i, std::string& json) { AppendJson(found[i], now, json); });
    return ExitCode::kOk;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (i > 0) context.out.Line("");
    PrintKey(found[i], *keyring, now, context.out);
  }
  return ExitCode::kOk;
}

}  // namespace

CommandSpec ShowCommand() {
  return {"show",
          "show one key",
          "Shows what is known about a key without opening it. Of MariaDB's "
          "keys, 1 means every version of key 1, and 1.3 its version 3.\n\n"
          "Changes nothing. The value of a key is never shown.",
          {{"ID", "The data id of a key, or KEY_ID or KEY_ID.VERSION"}},
          {{"--owner", "OWNER", "Only the key of this owner (user@host)"}},
          {{"keyringctl show INNODBKey-uuid-1", "A master key of InnoDB."}},
          Effect::kReads,
          Scope::kKeyring,
          RunShow};
}

}  // namespace openkeyring
