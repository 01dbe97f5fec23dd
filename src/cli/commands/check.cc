// SPDX-License-Identifier: MIT
#include "cli/checks/check.h"

#include <algorithm>

#include "cli/checks/check_report.h"
#include "cli/command_table.h"
#include "cli/discovery.h"
#include "os/process.h"

namespace openkeyring {
namespace {

std::vector<std::string> CheckIds() {
  std::vector<std::string> ids;
  for (const CheckSpec& spec : AllChecks()) ids.push_back(spec.id);
  return ids;
}

std::vector<OptionSpec> CheckCommandOptions() {
  std::vector<OptionSpec> options = {
      {"--format",
       "FORMAT",
       "text (the default), json, prometheus, nagios",
       {"text", "json", "prometheus", "nagios"}},
      {"--skip", "ID", "Leave this check out; may be given again", CheckIds(),
       OptionSpec::Completes::kNothing, true},
      {"--pre", nullptr,
       "Only what can be checked before the product is installed"}};
  for (OptionSpec& login : LoginOptions()) options.push_back(std::move(login));
  return options;
}

Outcome RunCheck(CommandContext& context) {
  const std::string format = context.arguments.Text("--format");
  if (context.arguments.Has("--json") && !format.empty() && format != "json") {
    return UsageFailure("--json and --format " + format + " exclude each other",
                        "leave one of them out");
  }
  const auto installation = FindInstallation(
      context, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!installation) return tl::unexpected(installation.error());
  CheckOptions options;
  options.pre = context.arguments.Has("--pre");
  options.skip = context.arguments.All("--skip");
  options.login = LoginOf(context.arguments);
  const auto results = RunChecks(*installation, context, options);
  if (context.interruption.requested()) return Interrupted();
  const bool strict = context.arguments.Has("--strict");
  if (format == "nagios") return PrintNagios(results, strict, context.out);
  if (context.out.json()) {
    context.out.PrintJson("check", JsonOf(*installation, results));
  } else if (format == "prometheus") {
    PrintPrometheus(*installation, results, context.out);
  } else {
    PrintText(results, context.out);
  }
  return CodeOf(results, strict);
}

}  // namespace

CommandSpec CheckCommand() {
  return {"check",
          "find out whether a start would find its keys, and what is wrong",
          "Looks at everything that a keyring needs, in order: configuration, "
          "manifest or options, library, owners and modes, AppArmor and "
          "SELinux, locked memory, the systemd unit, credentials, name, "
          "connection, TLS and "
          "clock of the key server, the KMS key and the permissions on it (by "
          "dry run), KMIP servers, files, key slots, and every key. The last "
          "line says whether a start of the server now would find its keys. "
          "Each id is explained in docs/errors.md.\n\n"
          "With a login to the running server, its keys are compared with the "
          "stored ones: those that it serves and that a start would not find "
          "would be lost at the next one.\n\n"
          "Changes nothing, neither here nor on the key server. Run it as the "
          "server's user, with its AWS variables. The exit code is 3 when "
          "something failed, 4 when all that failed is the key server; "
          "--format nagios prints one line and ends with the codes of Nagios "
          "instead: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN when nothing could "
          "be checked; --strict makes a warning CRITICAL. --format json is "
          "--json.",
          {},
          CheckCommandOptions(),
          {{"keyringctl check", "The keyring of the server on this machine."},
           {"keyringctl check --pre --config component_keyring_kms.cnf",
            "A configuration that is not in use yet."}},
          Effect::kReads,
          Scope::kKeyring,
          RunCheck};
}

}  // namespace openkeyring
