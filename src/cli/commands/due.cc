// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>

#include "cli/checks/check.h"
#include "cli/command_table.h"
#include "cli/commands/due_list.h"
#include "cli/commands/keyring_command.h"
#include "os/process.h"

namespace openkeyring {
namespace {

bool UsesKms(Product product) {
  return product != Product::kComponentKeyringKmip &&
         product != Product::kKmipKeyManagement;
}

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
void AddOldKeys(const StoredKeyring& keyring, const DueAge& age,
                DueList& list) {
  std::map<std::string, StoredKey> newest;
  for (const StoredKey& key : keyring.keys) {
    const auto [known, is_first] =
        newest.try_emplace(key.id + '\0' + key.owner, key);
    if (!is_first && known->second.version < key.version) known->second = key;
  }
  for (const auto& [name, key] : newest) {
    if (!key.created) {
      ++list.keys_without_date;
    } else if (age.IsOver(*key.created)) {
      list.due.push_back({"key", IdText(key),
                          "made " + AgeText(key.created, age.now) +
                              " ago, on " + UtcText(*key.created, "%Y-%m-%d")});
    }
  }
}

// No file says when a slot was made, but it is not older than its KMS key.
void AddSlots(const StoredKeyring& keyring, const KmsKeyDates& dates,
              const DueAge& age, DueList& list) {
  for (const StoredSlot& slot : keyring.slots) {
    const auto made = dates.find(slot.maker);
    if (made != dates.end() && !age.IsOver(made->second)) continue;
    list.unknown.push_back(
        {"slot",
         "key slot " + std::to_string(slot.number) + " (" + slot.kind + " " +
             slot.name + ")",
         "a sealed file does not store when a key slot was made"});
  }
}

// What these checks complain about must be replaced, or put right, soon.
void AddFiles(const Installation& installation, CommandContext& context,
              DueList& list) {
  if (!installation.is_configured) return;
  const std::pair<const char*, void (*)(CheckRun&)> checks[] = {
      {"certificate", CheckCertificateFiles}, {"private-key", CheckPrivateKey}};
  for (const auto& [kind, check] : checks) {
    CheckRun run(installation, PosixFileSystem(), context.out,
                 context.interruption, false);
    check(run);
    for (const Finding& finding : run.findings) {
      if (finding.state < CheckState::kWarning) continue;
      list.due.push_back({kind, finding.text, finding.hint});
    }
  }
}

nlohmann::ordered_json JsonOf(const std::vector<DueList::Entry>& entries) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const DueList::Entry& one : entries) {
    list.push_back(
        {{"kind", one.kind}, {"what", one.what}, {"text", one.text}});
  }
  return list;
}

std::string LineOf(const DueList::Entry& one) {
  return Printable(one.kind + " " + one.what + ": " + one.text);
}

void Print(const DueList& list, CommandContext& context) {
  if (context.out.json()) {
    context.out.PrintJson("due", {{"due", JsonOf(list.due)},
                                  {"unknown", JsonOf(list.unknown)},
                                  {"unknown_age", list.keys_without_date}});
    return;
  }
  for (const DueList::Entry& one : list.due) context.out.Line(LineOf(one));
}

// For who looks; a timer's mail would have it each time.
void SayUnknown(const DueList& list, const std::string& format, Output& out) {
  const bool shown = out.data_is_terminal();
  const auto say = [&](const std::string& line) {
    shown ? out.Inform(line) : out.Verbose(line);
  };
  if (list.keys_without_date > 0) {
    say(Counted(list.keys_without_date, "key") + " without a date: " + format +
        " does not store one");
  }
  for (const DueList::Entry& one : list.unknown) {
    say("unknown: " + LineOf(one));
  }
}

// A certificate that is bad may be why the keys cannot be listed.
Outcome WithoutKeys(const Installation& installation, const Failure& failure,
                    CommandContext& context) {
  DueList list;
  AddFiles(installation, context, list);
  if (context.interruption.requested()) return Interrupted();
  if (list.due.empty()) return tl::unexpected(failure);
  context.out.Warn("keys were not looked at: " + failure.status.message());
  Print(list, context);
  return ExitCode::kProblems;
}

Outcome RunDue(CommandContext& context) {
  const auto limit = ParseAge(context.arguments.Text("--older-than"));
  if (!limit) {
    return UsageFailure(
        "--older-than must be a number and a unit, such as "
        "90d, 12h or 1y",
        "keyringctl due --help");
  }
  const auto opened = OpenKeyring(context, Needs::kPath);
  if (!opened) return tl::unexpected(opened.error());
  const Installation& installation = opened->installation;
  const auto keyring = opened->reader->List();
  if (!keyring) return WithoutKeys(installation, keyring.error(), context);
  const DueAge age = {*limit, SystemClock().Now()};
  DueList list;
  AddOldKeys(*keyring, age, list);
  KmsKeyDates dates;
  if (UsesKms(installation.product)) {
    dates = AddKmsKeys(installation, *keyring, age, context.out, list);
  }
  AddSlots(*keyring, dates, age, list);
  AddFiles(installation, context, list);
  if (context.interruption.requested()) return Interrupted();
  if (list.due.empty() && !list.no_answer.ok()) {
    return Failed(list.no_answer.WithContext("nothing else is due"));
  }
  if (!list.no_answer.ok()) context.out.Warn(list.no_answer.message());
  SayUnknown(list, keyring->format, context.out);
  Print(list, context);
  return list.due.empty() ? ExitCode::kOk : ExitCode::kProblems;
}

}  // namespace

CommandSpec DueCommand() {
  return {
      "due",
      "list what should be rotated or renewed",
      "Lists keys whose newest version is older than an age, KMS keys "
      "whose key material is, KMS keys that are pending deletion, "
      "certificates and imported key material that expire within 30 days, "
      "and private keys that are unreadable or world-readable. "
      "For a timer: it prints nothing and ends with 0 when nothing is due, "
      "with 3 when something is, and with 4 when nothing is and a key "
      "server did not answer.\n\n"
      "Keyring files of MySQL do not store when a key was made, MariaDB's key "
      "set not when one was rotated, and no file when a key slot was made: "
      "these are counted, or named as unknown, and not due. AWS KMS is asked "
      "where "
      "kms:DescribeKey, kms:ListKeyRotations and kms:GetKeyRotationStatus "
      "are allowed; else a KMS key is unknown.\n\n"
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
