// SPDX-License-Identifier: MIT
#include "cli/command_table.h"
#include "cli/commands/key_copy.h"

namespace openkeyring {
namespace {

Outcome RunMigrate(CommandContext& context) {
  const std::string to_word = context.arguments.Text("TO");
  auto from = OpenKeyringStore(context, context.arguments.Text("FROM"),
                               StoreRole::kSource);
  if (!from) return tl::unexpected(from.error());
  auto to = OpenKeyringStore(context, to_word, StoreRole::kTarget);
  if (!to) return tl::unexpected(to.error());
  if ((*from)->is_for_mariadb() != (*to)->is_for_mariadb()) {
    return UsageFailure(
        "keys of MariaDB have a number and a version, and those of MySQL a "
        "name and an owner: one keyring cannot hold the other's",
        "FROM and TO must be of the same database server");
  }
  if ((*to)->Description().starts_with("component_keyring_file") &&
      !context.arguments.Has("--allow-plaintext")) {
    return UsageFailure(
        "component_keyring_file keeps keys in the clear; nothing was changed",
        "--allow-plaintext says that this is meant; remove its file as soon "
        "as it is not needed");
  }
  return CopyKeys(context, "migrate", **from, **to);
}

constexpr char kText[] =
    "Copies every key of the keyring FROM into the keyring TO, whatever "
    "their products, and compares every key afterwards, as a start of the "
    "server would read it. FROM is not changed. A key that TO has already "
    "is skipped, so that an interrupted copy is completed by running it "
    "again; when TO has another key under the same name, nothing is copied "
    "and the names are said. Stop the server first.\n\n"
    "A keyring is PRODUCT, PRODUCT:FILE, or FILE. PRODUCT is "
    "component_keyring_kms, component_keyring_kmip, keyring_aws, and of "
    "MySQL's own component_keyring_file and, to copy from, keyring_file. "
    "Of MariaDB, aws_key_management and kmip_key_management, with every "
    "version of every key. "
    "FILE is a component's configuration file (component_keyring_kms.cnf), "
    "the server's option file for a plugin, and the data file of "
    "component_keyring_file or keyring_file. Without FILE the configuration "
    "is found as for other commands.\n\n"
    "A keyring file that is not there is made with all keys or not at all. "
    "Afterwards set up the server for TO and start it; the guide of the "
    "product has the steps.";

}  // namespace

CommandSpec MigrateCommand() {
  return {"migrate",
          "copy all keys into another keyring",
          kText,
          {{"FROM", "The keyring to copy from"},
           {"TO", "The keyring to copy into"}},
          {{"--datadir",
            "DIR",
            "The server's data directory",
            {},
            OptionSpec::Completes::kDirectory},
           {"--plugin-dir",
            "DIR",
            "The server's plugin directory",
            {},
            OptionSpec::Completes::kDirectory},
           {"--defaults-file",
            "FILE",
            "The server's option file, instead of those that the server reads",
            {},
            OptionSpec::Completes::kFile},
           {"--allow-plaintext", nullptr,
            "Copy into component_keyring_file, which does not encrypt keys"}},
          {{"keyringctl migrate /etc/component_keyring_file.cnf "
            "/etc/component_keyring_kms.cnf --dry-run",
            "What would be copied from MySQL's file keyring to ours."}},
          Effect::kChanges,
          Scope::kNone,
          RunMigrate};
}

}  // namespace openkeyring
