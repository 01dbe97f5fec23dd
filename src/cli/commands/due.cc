// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>

#include "cli/checks/check.h"
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"
#include "os/process.h"

namespace openkeyring {
namespace {

struct Due {
  std::string kind;  // "key", "certificate".
  std::string what;
  std::string text;  // Why, for people.
};

// "90d", "12h", "30m", "2y"; nothing for anything else.
std::optional<std::chrono::seconds> ParseAge(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  int64_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [at, error] = std::from_chars(text.data(), end, number);
  constexpr int64_t kMost = 100000;
  if (error != std::errc() || at != end || number < 0 || number > kMost) {
    return std::nullopt;
  }
  switch (text.back()) {
    case 'm':
      return std::chrono::minutes(number);
    case 'h':
      return std::chrono::hours(number);
    case 'd':
      return std::chrono::hours(24 * number);
    case 'y':
      return std::chrono::hours(24 * 365 * number);
    default:
      return std::nullopt;
  }
}

// The newest version of each of MariaDB's keys is the one to rotate; of other
// keys each stands for itself.
void AddOldKeys(const StoredKeyring& keyring, std::chrono::seconds age,
                WallTime now, std::vector<Due>& due, size_t& unknown) {
  std::map<std::string, const StoredKey*> newest;
  for (const StoredKey& key : keyring.keys) {
    const StoredKey*& known = newest[key.id + '\0' + key.owner];
    if (known == nullptr || known->version < key.version) known = &key;
  }
  for (const auto& [name, key] : newest) {
    if (!key->created) {
      ++unknown;
    } else if (now - *key->created > age) {
      due.push_back({"key", IdText(*key),
                     "made " + AgeText(key->created, now) + " ago, on " +
                         UtcText(*key->created, "%Y-%m-%d")});
    }
  }
}

// What the check of certificates complains about expires soon.
void AddCertificates(const Installation& installation, CommandContext& context,
                     std::vector<Due>& due) {
  if (!installation.is_configured) return;
  CheckRun run(installation, PosixFileSystem(), context.out,
               context.interruption, false);
  CheckCertificates(run);
  for (const Finding& finding : run.findings) {
    if (finding.state < CheckState::kWarning) continue;
    due.push_back({"certificate", finding.text, finding.hint});
  }
}

void Print(const std::vector<Due>& due, size_t unknown,
           CommandContext& context) {
  if (context.out.json()) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Due& one : due) {
      list.push_back(
          {{"kind", one.kind}, {"what", one.what}, {"text", one.text}});
    }
    context.out.PrintJson("due",
                          {{"due", std::move(list)}, {"unknown_age", unknown}});
    return;
  }
  for (const Due& one : due) {
    context.out.Line(Printable(one.kind + " " + one.what + ": " + one.text));
  }
}

Outcome RunDue(CommandContext& context) {
  const auto age = ParseAge(context.arguments.Text("--older-than"));
  if (!age) {
    return UsageFailure(
        "--older-than must be a number and a unit, such as "
        "90d, 12h or 1y",
        "keyringctl due --help");
  }
  const auto opened = OpenKeyring(context, Needs::kPath);
  if (!opened) return tl::unexpected(opened.error());
  const auto keyring = opened->reader->List();
  if (!keyring) return tl::unexpected(keyring.error());
  std::vector<Due> due;
  size_t unknown = 0;
  AddOldKeys(*keyring, *age, SystemClock().Now(), due, unknown);
  AddCertificates(opened->installation, context, due);
  if (unknown > 0) {
    context.out.Verbose(std::to_string(unknown) + " keys have no date: " +
                        keyring->format + " does not store one");
  }
  Print(due, unknown, context);
  return due.empty() ? ExitCode::kOk : ExitCode::kProblems;
}

}  // namespace

CommandSpec DueCommand() {
  return {"due",
          "list what should be rotated or renewed",
          "Lists keys whose newest version is older than an age, and "
          "certificates that expire within 30 days, for a timer: it prints "
          "nothing and ends with 0 when nothing is due, and with 3 otherwise. "
          "Keyring files of MySQL do not store when a key was made; these "
          "keys are counted, not listed.\n\n"
          "Changes nothing.",
          {},
          {{"--older-than", "AGE", "An age such as 90d, 12h or 1y"}},
          {{"keyringctl due --older-than 90d",
            "What has not been rotated for 90 days."}},
          Effect::kReads,
          Scope::kKeyring,
          RunDue};
}

}  // namespace openkeyring
