// SPDX-License-Identifier: MIT
// A new data key for a sealed file: what slot remove does not revoke, this
// does.
#include "cli/command_table.h"
#include "cli/commands/slot_report.h"
#include "cli/confirmation.h"
#include "cli/keyring_store.h"
#include "cli/sealed_keyring.h"

namespace openkeyring {
namespace {

// How the slots are afterwards, and what became of those that are gone.
struct Resealed {
  std::vector<SlotStatus> slots;
  std::vector<std::string> dropped;
};

tl::expected<Resealed, Failure> Reseal(const SealedPlace& place, Log& log) {
  const auto opened = OpenSealedFile(place, SealedUse::kChange, log);
  if (!opened) return tl::unexpected(opened.error());
  SealedFileSlots& slots = (*opened)->slots();
  const auto problems = slots.Reseal((*opened)->deadline);
  if (!problems) return Failed(problems.error());
  Resealed done{slots.List(), {}};
  for (const SlotProblem& problem : *problems) {
    done.dropped.push_back(ToString(problem.slot) + ": " +
                           problem.status.message());
  }
  return done;
}

Outcome RunReseal(CommandContext& context) {
  const auto place = FindSealedFile(context, Needs::kConfiguration);
  if (!place) return tl::unexpected(place.error());
  const Outcome may = CheckMayRewrite(place->installation, context.out);
  if (!may) return may;
  NoLog quiet;  // The change opens it again, and warns.
  const auto before = ReadSealedKeys(*place, quiet);
  if (!before) return tl::unexpected(before.error());
  const auto ended = Confirm(
      context, "reseal", "Rewrite " + place->path + " under a new data key?",
      {{"reseal", place->path,
        std::to_string(before->size()) +
            " keys, under a new data key; a slot for each configured key"}});
  if (ended) return *ended;
  const auto done = Reseal(*place, context.out);
  if (!done) return tl::unexpected(done.error());
  const Outcome same = CompareSealedKeys(*place, *before, context.out);
  if (!same) return same;
  context.out.Warn("copies of the old file can be opened as before",
                   "destroy them where that matters, and make a backup");
  return ReportSlots(context, "reseal", place->path, done->slots, true,
                     done->dropped);
}

}  // namespace

CommandSpec ResealCommand() {
  return {"reseal",
          "rewrite a sealed file under a new data key",
          "Makes a new data key, rewrites all records under it, and gives the "
          "file a slot for each configured key: whoever could open a slot "
          "that is gone cannot open the new file. Slots that cannot be made "
          "now are dropped and named. The keys stay the same, and are "
          "compared. Copies of the old file open as before. Stop the server "
          "first.",
          {},
          {},
          {{"keyringctl reseal --dry-run", "What would be done."}},
          Effect::kChanges,
          Scope::kKeyring,
          RunReseal};
}

}  // namespace openkeyring
