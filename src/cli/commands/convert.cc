// SPDX-License-Identifier: MIT
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"
#include "cli/discovery.h"
#include "cli/stored_keyring.h"
#include "os/process.h"

namespace openkeyring {
namespace {

using Found = tl::expected<Installation, Failure>;

// The component whose keyring file is made.
Found TargetOf(CommandContext& context, const Installation& source) {
  Installation target = source;
  if (context.arguments.Has("--to-config")) {
    Arguments arguments;
    arguments.Add("--config", context.arguments.Text("--to-config"));
    arguments.Add("--datadir", source.data_directory);
    CommandContext inner{arguments, context.out, context.interruption};
    Found found = FindInstallation(
        inner, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
    if (!found) return found;
    target = *found;
  }
  if (target.product != Product::kComponentKeyringKms) {
    return UsageFailure(
        std::string("keys of ") + ProductName(target.product) +
            " are converted into a file of component_keyring_kms, whose "
            "configuration is needed",
        "name it with --to-config");
  }
  target.path = context.arguments.Text("--output");
  return target;
}

// Of the keyring file, which the new one gets as well.
mode_t ModeOf(CommandContext& context, const Installation& source) {
  const auto reader = OpenForReading(source, PosixFileSystem(), context.out);
  if (!reader) return 0640;
  const auto keyring = (*reader)->List();
  if (!keyring || !keyring->file) return 0640;
  return keyring->file->permissions & 0777;
}

Outcome ConvertMysql(CommandContext& context, const Installation& source,
                     KeyringFileFormat format) {
  const Found target = TargetOf(context, source);
  if (!target) return tl::unexpected(target.error());
  auto from = OpenKeyringStore(source, StoreRole::kSource, context.out);
  if (!from) return tl::unexpected(from.error());
  const auto to =
      MakeKmsComponentStore({*target, StoreRole::kTarget, context.out, format,
                             ModeOf(context, source)});
  const Outcome is_new = CheckNewPlace(PosixFileSystem(), target->path);
  if (!is_new) return is_new;
  return CopyKeys(context, "convert", **from, *to);
}

Outcome RunConvert(CommandContext& context) {
  for (const char* name : {"--to", "--output"}) {
    if (!context.arguments.Has(name)) {
      return UsageFailure(std::string(name) + " is missing",
                          "keyringctl convert --help");
    }
  }
  const auto source = FindInstallation(
      context, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!source) return tl::unexpected(source.error());
  const std::string to = context.arguments.Text("--to");
  const bool is_of_mariadb = to == "raw" || to == "bound";
  if (is_of_mariadb != (source->product == Product::kAwsKeyManagement)) {
    return UsageFailure(std::string("keys of ") + ProductName(source->product) +
                            " cannot be converted to " + to,
                        "keyringctl convert --help");
  }
  if (is_of_mariadb) return ConvertKeyFiles(context, *source, to == "bound");
  return ConvertMysql(context, *source,
                      to == "sealed" ? KeyringFileFormat::kSealed
                                     : KeyringFileFormat::kPercona);
}

}  // namespace

CommandSpec ConvertCommand() {
  return {
      "convert",
      "write the keys into a file of another format",
      "Writes every key of a keyring into a new file, or directory, of another "
      "format, and compares every key afterwards as a start of the server "
      "would read it. The old one is not changed, and nothing is overwritten: "
      "set the server's configuration to the new one while the server is "
      "stopped, start it, and keep the old one until the next backup.\n\n"
      "sealed: the sealed file of component_keyring_kms; percona: the JSON "
      "file that Percona's component reads. Both from either, and from "
      "keyring_aws with --to-config. raw, bound: MariaDB's key files, as the "
      "plugin of MariaDB reads them, or bound to their key, version and "
      "server, from either or from a key set; --output is the new "
      "directory.\n\n"
      "Stop the server first: a key that it makes meanwhile would not be in "
      "the new file.",
      {},
      {{"--to",
        "FORMAT",
        "The format to write",
        {"sealed", "percona", "raw", "bound"}},
       {"--output",
        "PATH",
        "The new file, or directory of key files",
        {},
        OptionSpec::Completes::kFile},
       {"--to-config",
        "FILE",
        "From keyring_aws: component_keyring_kms.cnf of the new keyring",
        {},
        OptionSpec::Completes::kFile}},
      {{"keyringctl convert --to sealed --output /var/lib/mysql-keyring/sealed "
        "--dry-run",
        "What a conversion from Percona's format would do."}},
      Effect::kChanges,
      Scope::kKeyring,
      RunConvert};
}

}  // namespace openkeyring
