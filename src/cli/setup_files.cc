// SPDX-License-Identifier: MIT
#include "cli/setup_files.h"

#include <nlohmann/json.hpp>

#include "cli/systemd_unit.h"
#include "net/endpoint.h"
#include "product/component_keyring_kmip/kmip_component_config.h"
#include "product/kmip_service.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::pair<std::string, std::string>>;

constexpr char kOptionFile[] = "openkeyring.cnf";
// Where distributions have option files, the best first.
constexpr const char* kMySqlOptionDirectories[] = {
    "/etc/mysql/mysql.conf.d", "/etc/mysql/conf.d", "/etc/my.cnf.d"};
constexpr const char* kMariaDbOptionDirectories[] = {
    "/etc/mysql/mariadb.conf.d", "/etc/mysql/conf.d", "/etc/my.cnf.d"};

bool IsForKms(Product product) {
  return product == Product::kComponentKeyringKms ||
         product == Product::kKeyringAws ||
         product == Product::kAwsKeyManagement;
}

// "" or which options are missing.
std::string Missing(Product product, const SetupOptions& options) {
  const Lines needed =
      IsForKms(product)
          ? Lines{{"--kms-key", options.kms_key}, {"--region", options.region}}
          : Lines{{"--kmip-servers", options.servers},
                  {"--server-ca", options.server_ca},
                  {"--client-cert", options.client_cert},
                  {"--client-key", options.client_key}};
  std::string missing;
  for (const auto& [name, value] : needed) {
    if (value.empty()) missing += (missing.empty() ? "" : ", ") + name;
  }
  return missing;
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string KmsConfig(const SetupOptions& options) {
  Json json = {{"path", JoinPath(options.keyring_directory, "keyring")},
               {"kms_key", options.kms_key},
               {"region", options.region}};
  if (!options.endpoint_url.empty()) {
    json["endpoint_url"] = options.endpoint_url;
  }
  return Dump(json);
}

tl::expected<std::string, Failure> KmipConfig(const SetupOptions& options) {
  const Result<Endpoint> server = ParseEndpoint(options.servers, kKmipPort);
  if (!server) return UsageFailure(server.error().message());
  Json json = {{"server_addr", server->host},
               {"server_port", std::to_string(server->port)},
               {"server_ca", options.server_ca},
               {"client_ca", options.client_cert},
               {"client_key", options.client_key}};
  if (!options.object_group.empty()) {
    json["object_group"] = options.object_group;
  }
  return Dump(json);
}

std::string OptionFile(const char* group, const Lines& lines) {
  std::string text = std::string("[") + group + "]\n";
  for (const auto& [name, value] : lines) {
    if (!value.empty()) text += name + "=" + value + "\n";
  }
  return text;
}

// Without its plugin a server would start, and MariaDB would make tables in
// clear.
constexpr char kOrNoStart[] = "FORCE_PLUS_PERMANENT";

std::string OptionsOf(Product product, const SetupOptions& options) {
  if (product == Product::kKeyringAws) {
    return OptionFile(
        "mysqld", {{"early-plugin-load", "keyring_aws.so"},
                   {"keyring_aws", kOrNoStart},
                   {"keyring_aws_cmk_id", options.kms_key},
                   {"keyring_aws_region", options.region},
                   {"keyring_aws_endpoint_url", options.endpoint_url},
                   {"keyring_aws_credentials", "CHAIN"},
                   {"keyring_aws_data_file",
                    JoinPath(options.keyring_directory, "keyring_aws_data")}});
  }
  if (product == Product::kAwsKeyManagement) {
    return OptionFile(
        "mariadb", {{"plugin-load-add", "aws_key_management"},
                    {"aws-key-management", kOrNoStart},
                    {"aws-key-management-master-key-id", options.kms_key},
                    {"aws-key-management-region", options.region},
                    {"aws-key-management-endpoint-url", options.endpoint_url}});
  }
  return OptionFile(
      "mariadb", {{"plugin-load-add", "kmip_key_management"},
                  {"kmip-key-management", kOrNoStart},
                  {"kmip-key-management-servers", options.servers},
                  {"kmip-key-management-server-ca", options.server_ca},
                  {"kmip-key-management-client-cert", options.client_cert},
                  {"kmip-key-management-client-key", options.client_key},
                  {"kmip-key-management-object-group", options.object_group}});
}

// Whether a keyring may be on a volume that is mounted after that of the data.
bool IsOutsideOfData(const std::string& directory,
                     const std::string& data_directory) {
  return !directory.starts_with(data_directory + "/") || data_directory.empty();
}

std::vector<std::string> CredentialLines(Product product) {
  if (!IsForKms(product)) {
    return {"#LoadCredential=kmip-client.key:/etc/openkeyring/kmip-client.key"};
  }
  return {"#LoadCredential=aws:/etc/openkeyring/aws-credentials",
          "#Environment=AWS_SHARED_CREDENTIALS_FILE=%d/aws"};
}

std::string OptionDirectory(const Installation& installation,
                            const SetupOptions& options, FileSystem& files) {
  if (!options.option_directory.empty()) return options.option_directory;
  for (const char* directory : IsForMariaDb(installation.product)
                                   ? kMariaDbOptionDirectories
                                   : kMySqlOptionDirectories) {
    const Result<FileInfo> info = files.Stat(directory);
    if (info && info->is_directory) return directory;
  }
  return "";
}

tl::expected<std::vector<SetupFile>, Failure> FilesOfComponent(
    const Installation& installation, const SetupOptions& options) {
  if (installation.plugin_directory.empty() ||
      installation.server.program.empty()) {
    return UsageFailure(
        "the server's program and plugin directory are not "
        "known",
        "install the server first, or name --plugin-dir and "
        "--defaults-file");
  }
  const std::string name = ProductName(installation.product);
  tl::expected<std::string, Failure> config =
      installation.product == Product::kComponentKeyringKms
          ? tl::expected<std::string, Failure>(KmsConfig(options))
          : KmipConfig(options);
  if (!config) return tl::unexpected(config.error());
  return std::vector<SetupFile>{
      {JoinPath(installation.plugin_directory, name + ".cnf"), *config},
      {JoinPath(DirectoryName(installation.server.program), "mysqld.my"),
       Dump({{"components", "file://" + name}})}};
}

}  // namespace

std::vector<std::string> MissingRules(const Installation& installation,
                                      const std::string& profile) {
  const std::string& program = installation.server.program;
  const std::string& plugins = installation.plugin_directory;
  std::vector<std::string> missing;
  if (!IsComponent(installation.product) || program.empty() ||
      plugins.empty()) {
    return missing;
  }
  const std::string config = ProductName(installation.product);
  for (const std::string& file : {JoinPath(DirectoryName(program), "mysqld.my"),
                                  JoinPath(plugins, config + ".cnf")}) {
    const std::string all = JoinPath(DirectoryName(file), "*.cnf ");
    if (profile.find(file + " ") == std::string::npos &&
        profile.find(all) == std::string::npos) {
      missing.push_back(file + " r,");
    }
  }
  return missing;
}

bool NeedsKeyringDirectory(Product product) {
  return product == Product::kComponentKeyringKms ||
         product == Product::kKeyringAws;
}

tl::expected<std::vector<SetupFile>, Failure> SetupFilesOf(
    const Installation& installation, const SetupOptions& options,
    FileSystem& files) {
  const std::string missing = Missing(installation.product, options);
  if (!missing.empty()) {
    return UsageFailure(std::string(ProductName(installation.product)) +
                        " needs " + missing);
  }
  if (IsComponent(installation.product)) {
    return FilesOfComponent(installation, options);
  }
  const std::string directory = OptionDirectory(installation, options, files);
  if (directory.empty()) {
    return UsageFailure("no directory of option files was found",
                        "name it with --option-dir");
  }
  return std::vector<SetupFile>{{JoinPath(directory, kOptionFile),
                                 OptionsOf(installation.product, options)}};
}

std::vector<std::string> AccessRules(const Installation& installation,
                                     const SetupOptions& options,
                                     FileSystem& files) {
  std::vector<std::string> lines;
  const std::string directory = NeedsKeyringDirectory(installation.product)
                                    ? options.keyring_directory
                                    : "";
  const std::string program = BaseName(installation.server.program);
  const std::string profile = "/etc/apparmor.d/usr.sbin." + program;
  std::vector<std::string> rules = MissingRules(installation, "");
  if (!directory.empty()) {
    rules.push_back(directory + "/ r,");
    rules.push_back(directory + "/** rwk,");
  }
  if (!rules.empty() && files.Stat(profile)) {
    lines.push_back("AppArmor: add to /etc/apparmor.d/local/usr.sbin." +
                    program + ", then apparmor_parser -r " + profile);
    for (const std::string& rule : rules) lines.push_back("  " + rule);
  }
  if (files.Stat("/sys/fs/selinux/enforce")) {
    lines.push_back("SELinux: run");
    if (!directory.empty()) {
      lines.push_back("  semanage fcontext -a -t mysqld_db_t '" + directory +
                      "(/.*)?'");
      lines.push_back("  restorecon -Rv " + directory);
    }
    lines.push_back("  setsebool -P mysql_connect_any on");
  }
  return lines;
}

std::vector<std::string> DropInLines(const Installation& installation,
                                     const SetupOptions& options,
                                     FileSystem& files) {
  const bool is_mariadb = IsForMariaDb(installation.product);
  const std::string unit =
      ServerUnit(files, is_mariadb).value_or(DefaultServerUnit(is_mariadb));
  std::vector<std::string> drop_in = {"[Unit]", "Wants=network-online.target",
                                      "After=network-online.target"};
  const std::string& directory = options.keyring_directory;
  if (NeedsKeyringDirectory(installation.product) &&
      IsOutsideOfData(directory, installation.data_directory)) {
    drop_in.push_back("RequiresMountsFor=" + directory);
  }
  drop_in.emplace_back("[Service]");
  drop_in.emplace_back(kLimitMemlock);
  if (StartTimeout(files, unit).value_or(Millis(0)) <
      kRecommendedStartTimeout) {
    drop_in.push_back("TimeoutStartSec=" +
                      std::to_string(kRecommendedStartTimeout.count()));
  }
  for (std::string& line : CredentialLines(installation.product)) {
    drop_in.push_back(std::move(line));
  }
  std::vector<std::string> lines = {
      "systemd: add to /etc/systemd/system/" + unit +
      ".d/openkeyring.conf, then systemctl daemon-reload"};
  for (const std::string& line : drop_in) lines.push_back("  " + line);
  return lines;
}

}  // namespace openkeyring
