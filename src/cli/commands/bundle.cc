// SPDX-License-Identifier: MIT
// A support archive: what somebody who helps needs to see, and no secret.
#include <sys/utsname.h>

#include "base/encoding.h"
#include "cli/archive.h"
#include "cli/checks/check_report.h"
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"
#include "cli/redaction.h"
#include "json/secret_json.h"
#include "os/durable.h"
#include "os/process.h"
#include "os/random.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxConfig = 1 << 20;
constexpr mode_t kBundleMode = 0600;

std::string Dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ConfigurationText(const Installation& installation,
                              FileSystem& files) {
  if (!IsComponent(installation.product)) return "";
  const std::string path =
      installation.config.empty()
          ? JoinPath(installation.plugin_directory,
                     std::string(ProductName(installation.product)) + ".cnf")
          : installation.config;
  Result<Secret> text = files.ReadSecret(path, kMaxConfig);
  if (!text) return text.error().message();
  for (const char* secret :
       {"auth_key", "secret_access_key", "session_token"}) {
    (void)TakeJsonString(*text, secret);  // Overwrites it in the text.
  }
  const auto json =
      nlohmann::ordered_json::parse(text->RevealText(), nullptr, false);
  if (!json.is_object()) return path + " is not a JSON object";
  return path + "\n" + Dumped(ShownConfiguration(json));
}

std::string VersionsText(const Installation& installation) {
  utsname system = {};
  (void)uname(&system);
  return std::string("keyringctl " OPENKEYRING_VERSION "\nsystem ") +
         system.sysname + " " + system.release + " " + system.machine +
         "\nproduct " + ProductName(installation.product) + "\nserver " +
         installation.server.program + "\n";
}

std::string CheckText(const Installation& installation,
                      CommandContext& context) {
  const auto results = RunChecks(installation, context, {});
  return Dumped(WithoutUserInformation(JsonOf(installation, results)));
}

std::string Message(const Failure& failure) {
  return WithoutUserInformation(failure.status.message()) + "\n";
}

std::string ListText(const Installation& installation,
                     CommandContext& context) {
  const auto reader =
      OpenForReading(installation, PosixFileSystem(), context.out);
  if (!reader) return Message(reader.error());
  const auto keyring = (*reader)->List();
  if (!keyring) return Message(keyring.error());
  return Dumped(WithoutUserInformation(JsonOf(*keyring, SystemClock().Now())));
}

std::string ManifestText(const Installation& installation) {
  const std::string path =
      installation.server.program.empty()
          ? ""
          : JoinPath(DirectoryName(installation.server.program), "mysqld.my");
  const Result<Bytes> text = PosixFileSystem().ReadStart(path, kMaxConfig);
  if (!text) return "";
  const Json json = Json::parse(AsText(*text), nullptr, false);
  if (!json.is_object()) return path + " is not a JSON object\n";
  return path + "\n" + Dumped(ShownManifest(json));
}

Outcome RunBundle(CommandContext& context) {
  const std::string path = context.arguments.Text("FILE");
  const auto installation = FindInstallation(
      context, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!installation) return tl::unexpected(installation.error());
  const std::string directory = "keyringctl-bundle/";
  std::vector<ArchiveEntry> entries = {
      {directory + "versions.txt", VersionsText(*installation)},
      {directory + "configuration.txt",
       ConfigurationText(*installation, PosixFileSystem())},
      {directory + "variables.txt",
       ShownVariables(installation->server.variables)},
      {directory + "manifest.txt", ManifestText(*installation)},
      {directory + "check.json", CheckText(*installation, context)},
      {directory + "keyring.json", ListText(*installation, context)}};
  if (context.interruption.requested()) return Interrupted();
  const Status status = CreateDurably(
      PosixFileSystem(), SystemRandom(), DirectoryName(path), BaseName(path),
      MakeTar(entries, SystemClock().Now()), kBundleMode);
  if (!status.ok()) return FileFailed(status);
  Json names = Json::array();
  for (const ArchiveEntry& entry : entries) {
    names.push_back(entry.name);
    context.out.Line(entry.name);
  }
  if (context.out.json()) {
    context.out.PrintJson("bundle",
                          {{"file", path}, {"entries", std::move(names)}});
  }
  return ExitCode::kOk;
}

}  // namespace

CommandSpec BundleCommand() {
  return {"bundle",
          "write an archive for support, without secrets",
          "Writes a tar archive with versions, configuration, the server's "
          "options that matter, the manifest, the results of check, and what "
          "the keyring is, without the names of its keys. Values of options "
          "that are not known to be harmless are left out, and user and "
          "password of URLs. The file has mode "
          "0600, and an existing one is never overwritten. Look at it before "
          "you send it: it has host names, paths and ARNs.\n\n"
          "Changes nothing but the file that it makes.",
          {{"FILE", "The archive to make, such as bundle.tar"}},
          {},
          {{"keyringctl bundle bundle.tar",
            "An archive of the server on this machine."}},
          Effect::kReads,
          Scope::kKeyring,
          RunBundle};
}

}  // namespace openkeyring
