// SPDX-License-Identifier: MIT
// Wraps what is stored again, under the KMS key that is configured now.
#include <nlohmann/json.hpp>

#include "cli/backup_set.h"
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/commands/keyring_command.h"
#include "cli/commands/rewrap_key_files.h"
#include "cli/confirmation.h"
#include "cli/product_options.h"
#include "product/component_keyring_kms/kms_keyring.h"

namespace openkeyring {
namespace {

// A load that may write does it, with all checks of its own.
Status RewrapKmsComponent(const Installation& installation, Log& log) {
  Result<KmsComponentConfig> config =
      KmsComponentOptions(installation, PosixFileSystem(), log);
  if (!config) return config.error();
  config->read_only = false;
  return KmsKeyring::Open(std::move(*config), nullptr,
                          installation.data_directory, LoadRetry::kOnce, log)
      .status();
}

Status RewrapKeyringAws(const Installation& installation,
                        const std::string& place, Log& log) {
  Result<KeyringAwsOptions> options = KeyringAwsOptionsOf(installation);
  if (!options) return options.error();
  const auto opened = KeyringAws::Open(
      std::move(*options), OwnerForNewFile(PosixFileSystem(), place), log);
  return opened ? (*opened)->RotateKeys() : opened.error();
}

Status Rewrap(const Installation& installation, const std::string& place,
              Log& log) {
  return installation.product == Product::kKeyringAws
             ? RewrapKeyringAws(installation, place, log)
             : RewrapKmsComponent(installation, log);
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

// All keys in one file.
Outcome RewrapFile(CommandContext& context, const Installation& installation) {
  FileSystem& files = PosixFileSystem();
  const auto place = PlaceOf(installation, files, context.out);
  if (!place) return tl::unexpected(place.error());
  if (!files.Stat(*place)) {
    return UsageFailure("there is no keyring file " + *place);
  }
  auto store = OpenKeyringStore(context, installation, StoreRole::kTarget);
  if (!store) return tl::unexpected(store.error());
  const auto before = (*store)->ReadAll();
  if (!before) return tl::unexpected(before.error());
  const auto ended = Confirm(
      context, "rewrap", "Wrap " + *place + " again?",
      {{"wrap again", *place,
        std::to_string(before->size()) + " keys, under the configured key"}});
  if (ended) return *ended;
  const Result<Bytes> old = files.Read(*place, SIZE_MAX);
  const Status status = Rewrap(installation, *place, context.out);
  if (!status.ok()) return Failed(status);
  const auto after = (*store)->ReadAll();
  if (!after) return tl::unexpected(after.error());
  if (CompareKeys(*before, *after).equal != before->size()) {
    return Failed(
        {StatusCode::kCorrupt, *place + " does not give back the same keys"});
  }
  const Result<Bytes> now = files.Read(*place, SIZE_MAX);
  const bool same = old && now && *old == *now;
  return Report(context, installation, before->size(), same ? 0 : 1);
}

Outcome RunRewrap(CommandContext& context) {
  const auto installation = FindInstallation(
      context, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!installation) return tl::unexpected(installation.error());
  switch (installation->product) {
    case Product::kComponentKeyringKms:
    case Product::kKeyringAws:
      return RewrapFile(context, *installation);
    case Product::kAwsKeyManagement: {
      const auto done = RewrapKeyFiles(context, *installation);
      if (!done) return tl::unexpected(done.error());
      if (done->ended) return *done->ended;
      return Report(context, *installation, done->keys, done->rewrapped);
    }
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
          "sealed file gets the key slots that the configuration names, the "
          "keys of a JSON file and of MariaDB's key files that are under "
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
