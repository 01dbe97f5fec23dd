// SPDX-License-Identifier: MIT
// Wraps what is stored again, under the KMS key that is configured now.
#include <nlohmann/json.hpp>

#include "cli/backup_set.h"
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/commands/keyring_command.h"
#include "cli/commands/rewrap_key_files.h"
#include "cli/confirmation.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "cli/sealed_keyring.h"
#include "product/component_keyring_kms/kms_keyring.h"

namespace openkeyring {
namespace {

constexpr Millis kTimeToOpen{30000};

// With all checks of a load; JSON files, too.
Result<std::unique_ptr<KmsKeyring>> OpenRewrapped(
    const Installation& installation, bool read_only, Log& log) {
  Result<KmsComponentConfig> config =
      KmsComponentOptions(installation, PosixFileSystem(), log);
  if (!config) return config.error();
  config->read_only = read_only;
  return KmsKeyring::OpenRewrapped(std::move(*config),
                                   installation.data_directory, log);
}

// The old KMS key may be deleted only when every configured one opens the file.
Status CheckEachSlot(SealedFileSlots& slots) {
  slots.OpenEach(Deadline::After(SystemClock(), kTimeToOpen));
  for (const SlotStatus& status : slots.List()) {
    if (status.state != SlotState::kFailed &&
        status.state != SlotState::kMissing) {
      continue;
    }
    return status.problem.WithContext(ToString(status.slot) +
                                      " does not open the file");
  }
  return Status::Ok();
}

Status RewrapKmsComponent(const Installation& installation, Log& log) {
  const auto opened = OpenRewrapped(installation, false, log);
  if (!opened) return opened.error();
  SealedFileSlots* slots = (*opened)->slots();
  return slots == nullptr ? Status::Ok() : CheckEachSlot(*slots);
}

Status RewrapKeySet(const SealedPlace& place, Log& log) {
  const auto opened = OpenSealedFile(place, SealedUse::kRewrap, log);
  return opened ? CheckEachSlot((*opened)->slots()) : opened.error().status;
}

Status RewrapKeyringAws(const Installation& installation,
                        const std::string& place, Log& log) {
  Result<KeyringAwsOptions> options = KeyringAwsOptionsOf(installation);
  if (!options) return options.error();
  const auto opened = KeyringAws::Open(
      std::move(*options), OwnerForNewFile(PosixFileSystem(), place), log);
  return opened ? (*opened)->RotateKeys((*opened)->stopping()) : opened.error();
}

Status Rewrap(const Installation& installation, const std::string& place,
              Log& log) {
  switch (installation.product) {
    case Product::kKeyringAws:
      return RewrapKeyringAws(installation, place, log);
    case Product::kAwsKeyManagement:
      return RewrapKeySet({installation, place}, log);
    default:
      return RewrapKmsComponent(installation, log);
  }
}

// What is not as configured yet is the plan, and no warning.
tl::expected<std::vector<Key>, Failure> ReadKeys(
    const Installation& installation, const std::string& place, Log& log) {
  if (installation.product == Product::kAwsKeyManagement) {
    return ReadSealedKeys({installation, place}, log);
  }
  auto store = OpenKeyringStore(installation, StoreRole::kTarget, log);
  if (!store) return tl::unexpected(store.error());
  return (*store)->ReadAll();
}

Outcome Report(CommandContext& context, const Installation& installation,
               size_t keys, size_t changed) {
  auto reader = OpenForReading(installation, PosixFileSystem(), context.out);
  if (!reader) return tl::unexpected(reader.error());
  const auto keyring = (*reader)->List();
  if (!keyring) return tl::unexpected(keyring.error());
  if (context.out.json()) {
    context.out.PrintJson("rewrap",
                          {{"dry_run", false},
                           {"changed", changed > 0},
                           {"place", keyring->place},
                           {"compared", keys},
                           {"wrapping_keys", keyring->wrapping_keys}});
    return ExitCode::kOk;
  }
  context.out.Line(std::to_string(keys) + " keys of " + keyring->place +
                   " compared and equal" +
                   (changed > 0 ? "" : "; nothing had to be changed"));
  for (const std::string& key : keyring->wrapping_keys) {
    context.out.Line("wrapped by: " + Printable(key));
  }
  return ExitCode::kOk;
}

// What would be done: keyring_aws wraps every key again, always.
tl::expected<Plan, Failure> PlanOf(const Installation& installation,
                                   const std::string& place, size_t keys) {
  const Plan all = {{"wrap again", place,
                     std::to_string(keys) + " keys, under the configured key"}};
  if (installation.product == Product::kKeyringAws) return all;
  NoLog quiet;
  if (installation.product == Product::kAwsKeyManagement) {
    const auto opened =
        OpenSealedFile({installation, place}, SealedUse::kPlanRewrap, quiet);
    if (opened) return Plan();
    if (opened.error().status.code() == StatusCode::kReadOnly) return all;
    return tl::unexpected(opened.error());
  }
  const auto opened = OpenRewrapped(installation, true, quiet);
  if (opened) return Plan();
  if (opened.error().code() == StatusCode::kReadOnly) return all;
  return tl::unexpected(Failure(opened.error()));
}

// `changed`: whether the file was, also when this fails.
Outcome RewrapAll(CommandContext& context, const Installation& installation,
                  const std::string& place, bool& changed) {
  FileSystem& files = PosixFileSystem();
  const Result<Bytes> old = files.Read(place, SIZE_MAX);
  if (!old) return FileFailed(old.error());
  const Status status = Rewrap(installation, place, context.out);
  const Result<Bytes> now = files.Read(place, SIZE_MAX);
  changed = !now || *now != *old;
  if (status.ok()) return ExitCode::kOk;
  // Whoever took the lock since it was looked at has it still.
  std::unique_ptr<WritableFile> lock;
  const Outcome free = LockFile(files, place, lock);
  if (!free) return free;
  Failure failure = status;
  (changed ? failure.changed : failure.unchanged).push_back(place);
  failure.hint = "keep the old KMS key, and run the command again";
  return tl::unexpected(std::move(failure));
}

// All keys in one file.
Outcome RewrapFile(CommandContext& context, const Installation& installation,
                   const std::string& place) {
  const Outcome there = CheckIsThere(PosixFileSystem(), place);
  if (!there) return there;
  const Outcome may = CheckMayRewrite(installation, context.out);
  if (!may) return may;
  NoLog quiet;
  const auto before = ReadKeys(installation, place, quiet);
  if (!before) return tl::unexpected(before.error());
  const auto plan = PlanOf(installation, place, before->size());
  if (!plan) return tl::unexpected(plan.error());
  if (!plan->empty() || context.arguments.Has("--dry-run")) {
    const auto ended =
        Confirm(context, "rewrap", "Wrap " + place + " again?", *plan);
    if (ended) return *ended;
  }
  bool changed = false;
  const Outcome done = RewrapAll(context, installation, place, changed);
  if (!done) return done;
  const auto after = ReadKeys(installation, place, context.out);
  if (!after) return tl::unexpected(after.error());
  if (CompareKeys(*before, *after).equal != before->size()) {
    return Failed(
        {StatusCode::kCorrupt, place + " does not give back the same keys"});
  }
  return Report(context, installation, before->size(), changed ? 1 : 0);
}

// MariaDB's keys are in one file only where they are in a key set.
Outcome RewrapMariaDb(CommandContext& context,
                      const Installation& installation) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation);
  if (!options) return Failed(options.error());
  if (HasKeySet(options->directory)) {
    const auto place = SealedPlaceOf(installation, context.out);
    if (!place) return tl::unexpected(place.error());
    return RewrapFile(context, installation, place->path);
  }
  const Outcome may = CheckNotInBackup(PosixFileSystem(), installation.path);
  if (!may) return may;
  const auto done = RewrapKeyFiles(context, installation);
  if (!done) return tl::unexpected(done.error());
  if (done->ended) return *done->ended;
  return Report(context, installation, done->keys, done->rewrapped);
}

Outcome RunRewrap(CommandContext& context) {
  const auto installation = FindInstallation(
      context, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!installation) return tl::unexpected(installation.error());
  switch (installation->product) {
    case Product::kComponentKeyringKms:
    case Product::kKeyringAws: {
      const auto place = PlaceOf(*installation, PosixFileSystem(), context.out);
      if (!place) return tl::unexpected(place.error());
      return RewrapFile(context, *installation, *place);
    }
    case Product::kAwsKeyManagement:
      return RewrapMariaDb(context, *installation);
    default:
      return UsageFailure(std::string("keys of ") +
                          ProductName(installation->product) +
                          " are on a KMIP server, and not wrapped");
  }
}

}  // namespace

CommandSpec RewrapCommand() {
  return {"rewrap",
          "wrap the keys again, under the configured KMS key",
          "After another KMS key was configured: wraps what is stored under "
          "that one. The keys stay the same; each is opened and compared. A "
          "sealed file, MariaDB's key set too, gets the key slots that the "
          "configuration names, the keys of a JSON file and of MariaDB's key "
          "files that are under "
          "another KMS key are wrapped again, and those of keyring_aws all "
          "are. Servers do the same at a start, but for keyring_aws and "
          "MariaDB. Stop the server first.\n\n"
          "Interrupted, each file is as it was or as it is to be, and the "
          "command can be run again. Copies of the old files still open with "
          "the old KMS key: keep that until no backup needs it.",
          {},
          {},
          {{"keyringctl rewrap --dry-run", "What would be wrapped again."}},
          Effect::kChanges,
          Scope::kKeyring,
          RunRewrap};
}

}  // namespace openkeyring
