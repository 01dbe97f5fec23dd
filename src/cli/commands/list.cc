// SPDX-License-Identifier: MIT
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"
#include "os/file_system.h"

namespace openkeyring {
namespace {

Outcome RunList(CommandContext& context) {
  const auto keyring = ListKeyring(context);
  if (!keyring) return tl::unexpected(keyring.error());
  Output& out = context.out;
  const WallTime now = SystemClock().Now();
  if (out.json()) {
    out.PrintJsonList(
        "list", JsonOf(*keyring, now), "keys", keyring->keys.size(),
        [&, key = StoredKey()](size_t i, std::string& json) mutable {
          AppendJson(keyring->keys.Get(i, key), now, json);
        });
    return ExitCode::kOk;
  }
  PrintSummary(*keyring, out);
  if (!keyring->keys.empty()) {
    out.Line("");
    PrintKeys(keyring->keys, now, out);
  }
  return ExitCode::kOk;
}

}  // namespace

CommandSpec ListCommand() {
  return {"list",
          "show which keys are stored",
          "Lists the keys of a keyring: names, owners, types, versions, ages, "
          "sizes, and the KMS key that wraps them. Keys are not opened: a "
          "keyring in a file needs no key server for this, and no "
          "configuration when --path names the file. Names and sizes in a "
          "sealed file stand in the clear and are proven by verify only.\n\n"
          "Changes nothing. A server may run meanwhile.",
          {},
          {},
          {{"keyringctl list", "The keys of the server on this machine."},
           {"keyringctl list --path /backup/keyring --json",
            "The keys of a copy, for a script."}},
          Effect::kReads,
          Scope::kKeyring,
          RunList};
}

}  // namespace openkeyring
