// SPDX-License-Identifier: MIT
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/commands/recover_key_set.h"
#include "cli/confirmation.h"
#include "cli/sealed_keyring.h"
#include "storage/mysql_files/component_file_format.h"

namespace openkeyring {
namespace {

// Keys for people's eyes, on purpose: typed, and never by --yes.
Outcome PrintKeys(CommandContext& context, KeyringStore& from) {
  if (!context.out.data_is_terminal() && !context.arguments.Has("--dry-run")) {
    return UsageFailure(
        "keys are printed on a terminal only, and stdout is none",
        "--output FILE makes a file of mode 0600");
  }
  const auto keys = from.ReadAll();
  if (!keys) return tl::unexpected(keys.error());
  if (context.arguments.Has("--dry-run")) {
    return *Confirm(context, "recover", "",
                    {{"print", "terminal",
                      std::to_string(keys->size()) + " keys, in the clear"}});
  }
  const auto ended = ConfirmTyped(
      context,
      "this prints every key of " + from.Description() + " in the clear",
      "print keys");
  if (ended) return *ended;
  std::vector<const Key*> pointers;
  for (const Key& key : *keys) pointers.push_back(&key);
  const Result<Secret> text = WritePlainJsonKeyring(pointers);
  if (!text) return Failed(text.error());
  context.out.Line(text->RevealText());
  return ExitCode::kOk;
}

Outcome RunRecover(CommandContext& context) {
  const bool print = context.arguments.Has("--print-keys");
  const std::string output = context.arguments.Text("--output");
  if (!context.arguments.Has("--private-key")) {
    return UsageFailure("--private-key is missing",
                        "keyringctl recover --help");
  }
  if (output.empty() && !print) {
    return UsageFailure("--output is missing", "keyringctl recover --help");
  }
  const auto place =
      FindSealedFile(context, print ? Needs::kPath : Needs::kConfiguration);
  if (!place) return tl::unexpected(place.error());
  const bool is_set = place->installation.product == Product::kAwsKeyManagement;
  const auto from = MakeRecoveryStore(
      {place->path, context.arguments.Text("--private-key"),
       context.arguments.Text("--passphrase-file"), place->installation.product,
       place->installation.progress},
      context.out);
  if (print && output.empty()) return PrintKeys(context, *from);
  const Outcome is_new = CheckNewPlace(PosixFileSystem(), output);
  if (!is_new) return is_new;
  if (print) {
    const auto to = MakeComponentFileStore(output, StoreRole::kTarget);
    return CopyKeys(context, "recover", *from, *to);
  }
  if (is_set) {
    const Outcome may = CheckMayChange(place->installation, context.out);
    return may ? RecoverKeySet(context, *place, *from, output) : may;
  }
  Installation target = place->installation;
  target.path = output;
  const auto to = MakeKmsComponentStore(
      {target, StoreRole::kTarget, context.out, KeyringFileFormat::kSealed});
  return CopyKeys(context, "recover", *from, *to);
}

}  // namespace

CommandSpec RecoverCommand() {
  using Completes = OptionSpec::Completes;
  return {
      "recover",
      "open a sealed file with a recovery key",
      "When no KMS key opens a sealed keyring file any more: opens it with "
      "the private half of a recovery key (recovery_public_key), asks no "
      "key server for that, and writes the keys into a new sealed file "
      "under the KMS keys that are configured. The old file is not changed. "
      "Of MariaDB's key set, --output is a new directory, and becomes "
      "aws_key_management_keyfile_dir.\n"
      "\n"
      "--print-keys: in the clear instead, as a data file of MySQL's "
      "component_keyring_file: into the file --output, mode 0600, or "
      "without it to the terminal, after a typed confirmation. Keep the "
      "private key off the database server.",
      {},
      {{"--private-key", "FILE", "The private key, PEM", {}, Completes::kFile},
       {"--passphrase-file",
        "FILE",
        "The passphrase of the private key",
        {},
        Completes::kFile},
       {"--output", "FILE", "The new file, or directory", {}, Completes::kFile},
       {"--print-keys", nullptr, "Write the keys in the clear"}},
      {{"keyringctl recover --private-key /media/usb/recovery.pem "
        "--output /mnt/keyring --dry-run",
        "Does the recovery key open the file?"}},
      Effect::kChanges,
      Scope::kKeyring,
      RunRecover};
}

}  // namespace openkeyring
