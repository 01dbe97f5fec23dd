// SPDX-License-Identifier: MIT
// A support archive: what somebody who helps needs to see, and no secret.
#include <sys/utsname.h>

#include <algorithm>

#include "base/encoding.h"
#include "cli/archive.h"
#include "cli/checks/check_report.h"
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"
#include "json/secret_json.h"
#include "os/durable.h"
#include "os/process.h"
#include "os/random.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxConfig = 1 << 20;
constexpr mode_t kBundleMode = 0600;

// Options and variables whose values are printed; all others are left out, so
// that one that is new, or misspelled, cannot leak.
constexpr std::string_view kShown[] = {"path",
                                       "read_only",
                                       "kms_key",
                                       "region",
                                       "profile",
                                       "role_arn",
                                       "endpoint_url",
                                       "allow_unencrypted_endpoint",
                                       "use_fips_endpoint",
                                       "use_dualstack_endpoint",
                                       "ca_bundle",
                                       "connect_timeout_ms",
                                       "request_timeout_ms",
                                       "max_attempts",
                                       "startup_deadline_ms",
                                       "reload_deadline_ms",
                                       "operation_deadline_ms",
                                       "load_parallelism",
                                       "file_format",
                                       "allow_new_keyring",
                                       "read_local_config",
                                       "allow_insecure_permissions",
                                       "server_addr",
                                       "server_port",
                                       "server",
                                       "standby_servers",
                                       "standby_server",
                                       "client_ca",
                                       "client_key",
                                       "server_ca",
                                       "client_key_password_file",
                                       "object_group",
                                       "kmip_version",
                                       "kmip_timeout_ms",
                                       "max_objects",
                                       "activate_pre_active",
                                       "tls_peer_verification",
                                       "tls_hostname_verification",
                                       "tls_min_version",
                                       "recovery_public_key",
                                       "local_unlock_file"};

bool IsShown(std::string_view name) {
  return std::ranges::find(kShown, name) != std::end(kShown);
}

bool IsShownVariable(const std::string& name) {
  for (const char* exact :
       {"datadir", "basedir", "plugin_dir", "early_plugin_load", "plugin_load",
        "plugin_load_add", "user", "encrypt_binlog"}) {
    if (name == exact) return true;
  }
  for (const Product product : kAllProducts) {
    if (name.starts_with(std::string(ProductName(product)) + "_")) return true;
  }
  return name.starts_with("innodb_encrypt");
}

// A URL may have user information in it.
Json Redacted(const Json& value) {
  if (!value.is_string()) return value;
  const std::string text = value.get<std::string>();
  return text.find('@') != text.npos && text.find("://") != text.npos
             ? Json("(left out)")
             : value;
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
  Json shown = Json::object();
  for (const auto& [name, value] : json.items()) {
    shown[name] = IsShown(name) ? Redacted(value) : Json("(left out)");
  }
  return path + "\n" +
         shown.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string VariablesText(const Installation& installation) {
  std::string text;
  for (const auto& [name, value] : installation.server.variables) {
    if (!IsShownVariable(name)) continue;
    text += name + " = " + Redacted(Json(value)).get<std::string>() + "\n";
  }
  return text;
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
  return JsonOf(installation, results)
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

std::string ListText(const Installation& installation,
                     CommandContext& context) {
  const auto reader =
      OpenForReading(installation, PosixFileSystem(), context.out);
  if (!reader) return reader.error().status.message() + "\n";
  const auto keyring = (*reader)->List();
  if (!keyring) return keyring.error().status.message() + "\n";
  return JsonOf(*keyring, SystemClock().Now())
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

std::string ManifestText(const Installation& installation) {
  const std::string path =
      installation.server.program.empty()
          ? ""
          : JoinPath(DirectoryName(installation.server.program), "mysqld.my");
  const Result<Bytes> text = PosixFileSystem().ReadStart(path, kMaxConfig);
  return text ? path + "\n" + std::string(AsText(*text)) + "\n" : "";
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
      {directory + "variables.txt", VariablesText(*installation)},
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
          "that are not known to be harmless are left out. The file has mode "
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
