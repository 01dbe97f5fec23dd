// SPDX-License-Identifier: MIT
#include "cli/backup_set.h"
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"

namespace openkeyring {
namespace {

// Nothing is wrong with it, and it may be the wrong place.
bool HasNothing(const Verification& found) {
  return found.keys == 0 && found.problems.empty();
}

Outcome PrintAsJson(const Verification& found, KeyringReader& reader,
                    Output& out) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const KeyProblem& problem : found.problems) {
    problems.push_back(
        {{"what", problem.what},
         {"kind", std::string(StatusCodeName(problem.status.code()))},
         {"message", problem.status.message()}});
  }
  StoredKeyring keyring;
  auto listed = reader.List();
  if (listed) {
    keyring = std::move(*listed);
  } else if (found.problems.empty()) {
    return tl::unexpected(listed.error());
  } else {  // What cannot be listed is a problem already.
    keyring.place = found.problems.front().what;
  }
  nlohmann::ordered_json json = JsonOf(keyring, SystemClock().Now());
  json["readable"] = found.keys;
  json["problems"] = std::move(problems);
  json["ok"] = found.problems.empty();
  out.PrintJson("verify", json);
  return ExitCode::kOk;
}

void Print(const Verification& found, Output& out) {
  for (const KeyProblem& problem : found.problems) {
    out.Line(out.Paint(Color::kRed, "bad") + "  " + Printable(problem.what) +
             ": " + Printable(problem.status.message()));
  }
  if (HasNothing(found)) {
    out.Line("no keys in " + Printable(found.place));
  } else if (found.problems.empty()) {
    out.Line(out.Paint(Color::kGreen, "ok") + "  " +
             Counted(found.keys, "key") + " can be read in " +
             Printable(found.place));
  } else {
    out.Line(Counted(found.keys, "key") + " can be read, " +
             Counted(found.problems.size(), "problem") + " found in " +
             Printable(found.place));
  }
}

Outcome RunVerify(CommandContext& context) {
  const auto opened = OpenKeyring(context, Needs::kConfiguration);
  if (!opened) return tl::unexpected(opened.error());
  if (!opened->backup.empty()) {
    const auto intact = CheckBackup(PosixFileSystem(), opened->backup);
    if (!intact) return FileFailed(intact.error());
  }
  const auto found = opened->reader->Verify([&](size_t done, size_t total) {
    context.out.Progress("verifying keys", done, total);
    return !context.interruption.requested();
  });
  context.out.EndProgress();
  if (context.interruption.requested()) return Interrupted();
  if (!found) return tl::unexpected(found.error());
  if (HasNothing(*found)) {
    context.out.Warn(
        "there are no keys in " + found->place,
        "expected before the first encrypted table; otherwise this is not the "
        "keyring that the server uses, or its keys are gone");
  }
  if (context.out.json()) {
    const Outcome printed = PrintAsJson(*found, *opened->reader, context.out);
    if (!printed) return printed;
  } else {
    Print(*found, context.out);
  }
  return found->problems.empty() ? ExitCode::kOk : ExitCode::kProblems;
}

}  // namespace

CommandSpec VerifyCommand() {
  return {"verify",
          "read every key",
          "Opens every key with the key server, and checks files as a start of "
          "the server does: format, checksums, order of records, binding of "
          "each key to its name. With --path, a copy is verified with the "
          "configuration of the server on this machine; of the directory of a "
          "backup, the checksums as well.\n\n"
          "Changes nothing. Keys are forgotten as soon as they were read. The "
          "exit code is 3 when a key or a file is bad, and 4 when the key "
          "server did not answer, so that nothing is known.",
          {},
          {},
          {{"keyringctl verify", "The keyring of the server on this machine."},
           {"keyringctl verify --path /backup/keyring",
            "A copy of its keyring file."}},
          Effect::kReads,
          Scope::kKeyring,
          RunVerify};
}

}  // namespace openkeyring
