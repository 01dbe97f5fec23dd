// SPDX-License-Identifier: MIT
#include "cli/product_options.h"

#include <utility>

#include "cli/server_variables.h"

namespace openkeyring {
namespace {

constexpr int64_t kHour = 3600000;

// The server's working directory is its data directory.
std::string Absolute(const Installation& installation,
                     const std::string& path) {
  if (path.empty() || path.starts_with('/')) return path;
  return JoinPath(installation.data_directory, path);
}

Status Unconfigured() {
  return {StatusCode::kMisconfigured,
          "a keyring file alone does not say how its keys are opened: the "
          "configuration was not found"};
}

// A component's file is read where --config says, or where the server does.
Result<ServerDirectories> DirectoriesOf(const Installation& installation) {
  if (!installation.is_configured) return Unconfigured();
  if (installation.plugin_directory.empty()) {
    return Status(StatusCode::kMisconfigured,
                  "the server's plugin directory was not found; name it with "
                  "--plugin-dir");
  }
  return installation.directories();
}

VariableReader VariablesOf(const Installation& installation) {
  return {installation.server.variables,
          std::string(ProductName(installation.product)) + "_"};
}

// Of all plugins for MariaDB; what matters only to a server is checked, too.
void ReadCommon(VariableReader& variables, Millis& startup_deadline) {
  (void)variables.Choice("key_spec", 0, {"AES_128", "AES_256"});
  (void)variables.Choice(
      "log_level", 0,
      {"Off", "Fatal", "Error", "Warn", "Info", "Debug", "Trace"});
  (void)variables.Choice("encryption_algorithm", 0, {"aes_cbc", "aes_ctr"});
  variables.Skip("rotate_key");
  startup_deadline =
      Millis(1000 * variables.Integer("startup_deadline", 60, 0, 86400));
  (void)variables.Integer("operation_deadline", 5, 1, 3600);
}

void ReadServers(VariableReader& variables, std::vector<Endpoint>& servers) {
  const std::string list = variables.Text("servers");
  for (size_t start = 0, end = 0; !list.empty() && end != list.npos;
       start = end + 1) {
    end = list.find(',', start);
    Result<Endpoint> server =
        ParseEndpoint(std::string_view(list).substr(
                          start, end == list.npos ? end : end - start),
                      kKmipPort);
    if (server) {
      servers.push_back(std::move(*server));
    } else {
      variables.Complain("kmip_key_management_servers: " +
                         server.error().message());
    }
  }
}

TlsOptions ReadTls(VariableReader& variables,
                   const Installation& installation) {
  const std::string prefix = "kmip_key_management_";
  TlsOptions tls;
  tls.ca_file = Absolute(installation, variables.Text("server_ca"));
  tls.certificate_file = Absolute(installation, variables.Text("client_cert"));
  tls.key_file = Absolute(installation, variables.Text("client_key"));
  tls.minimum_version =
      variables.Choice("tls_min_version", 0, {"1.2", "1.3"}) == 0 ? "1.2"
                                                                  : "1.3";
  tls.verify_certificate = variables.Bool("tls_peer_verification", true);
  tls.verify_host_name = variables.Bool("tls_hostname_verification", true) &&
                         tls.verify_certificate;
  tls.connect_timeout =
      Millis(variables.Integer("connect_timeout", 3000, 1, kHour));
  tls.names = {prefix + "server_ca",
               prefix + "client_cert",
               prefix + "client_key",
               prefix + "client_key_password_file",
               prefix + "tls_min_version",
               prefix + "tls_peer_verification",
               prefix + "tls_hostname_verification"};
  return tls;
}

std::string DirectoryOfData(const Installation& installation) {
  return installation.data_directory.empty() ? "."
                                             : installation.data_directory;
}

}  // namespace

std::function<void(size_t, size_t)> InHundredths(
    std::function<void(size_t, size_t)> progress) {
  if (!progress) return nullptr;
  return [progress = std::move(progress)](size_t done, size_t total) {
    progress(100 * done / total, 100);
  };
}

Result<KmsComponentConfig> KmsComponentOptions(const Installation& installation,
                                               FileSystem& files, Log& log) {
  const Result<ServerDirectories> directories = DirectoriesOf(installation);
  if (!directories) return directories.error();
  Result<KmsComponentConfig> config =
      ReadKmsComponentConfig(files, log, *directories);
  if (!config) return config;
  if (!installation.path.empty()) {
    config->path = installation.path;
  } else if (installation.data_directory.empty() &&
             !config->path.starts_with('/')) {
    return Status(StatusCode::kMisconfigured,
                  "the path " + config->path +
                      " is relative to the server's data directory, which is "
                      "not known; name it with --datadir");
  }
  config->read_only = true;
  config->progress = InHundredths(installation.progress);
  return config;
}

Result<bool> IsConfiguredReadOnly(const Installation& installation,
                                  FileSystem& files, Log& log) {
  if (!IsComponent(installation.product)) return false;
  const Result<ServerDirectories> directories = DirectoriesOf(installation);
  if (!directories) return directories.error();
  if (installation.product == Product::kComponentKeyringKmip) {
    const Result<KmipComponentConfig> config =
        ReadKmipComponentConfig(files, log, *directories);
    if (!config) return config.error();
    return config->read_only;
  }
  const Result<KmsComponentConfig> config =
      ReadKmsComponentConfig(files, log, *directories);
  if (!config) return config.error();
  return config->read_only;
}

Result<KmipComponentConfig> KmipComponentOptions(
    const Installation& installation, FileSystem& files, Log& log) {
  const Result<ServerDirectories> directories = DirectoriesOf(installation);
  if (!directories) return directories.error();
  Result<KmipComponentConfig> config =
      ReadKmipComponentConfig(files, log, *directories);
  if (!config) return config;
  config->read_only = config->keys.read_only = config->group.read_only = true;
  if (!installation.data_directory.empty()) {
    config->group.note_path =
        JoinPath(installation.data_directory, kKmipGroupNote);
  }
  return config;
}

Result<KeyringAwsOptions> KeyringAwsOptionsOf(
    const Installation& installation) {
  if (!installation.is_configured) return Unconfigured();
  VariableReader variables = VariablesOf(installation);
  KeyringAwsOptions options;
  variables.Require("cmk_id");
  options.cmk_id = variables.Text("cmk_id");
  options.region = variables.Text("region", "us-east-1");
  options.conf_file = Absolute(
      installation,
      variables.Text("conf_file", "/var/lib/mysql-keyring/keyring_aws_conf"));
  options.data_file = Absolute(
      installation,
      variables.Text("data_file", "/var/lib/mysql-keyring/keyring_aws_data"));
  options.endpoint_url = variables.Text("endpoint_url");
  options.allow_unencrypted_endpoint =
      variables.Bool("allow_unencrypted_endpoint", false);
  options.use_chain =
      variables.Choice("credentials", 0, {"FILE", "CHAIN"}) == 1;
  options.cache_keys = variables.Bool("cache_keys", false);
  options.allow_new_keyring = variables.Bool("allow_new_keyring", false);
  options.connect_timeout =
      Millis(variables.Integer("connect_timeout_ms", 2000, 1, kHour));
  options.request_timeout =
      Millis(variables.Integer("request_timeout_ms", 3000, 1, kHour));
  options.operation_deadline =
      Millis(variables.Integer("operation_deadline_ms", 10000, 1, kHour));
  options.rotate_deadline =
      Millis(variables.Integer("rotate_deadline_ms", 600000, 1, 24 * kHour));
  options.parallelism =
      static_cast<size_t>(variables.Integer("parallelism", 16, 1, 128));
  Status status = variables.Finish();
  if (!status.ok()) return status;
  if (!installation.path.empty()) options.data_file = installation.path;
  return options;
}

Result<KeyFilesOptions> KeyFilesOptionsOf(const Installation& installation) {
  if (!installation.is_configured) return Unconfigured();
  VariableReader variables = VariablesOf(installation);
  KeyFilesOptions options;
  options.master_key_id = variables.Text("master_key_id");
  AwsStartupOptions& startup = options.startup;
  startup.region = variables.Text("region");
  startup.endpoint_url = variables.Text("endpoint_url");
  startup.allow_unencrypted_endpoint =
      variables.Bool("allow_unencrypted_endpoint", false);
  startup.request_timeout =
      Millis(variables.Integer("request_timeout", 0, 0, 2147483647));
  startup.load_parallelism =
      static_cast<size_t>(variables.Integer("load_parallelism", 16, 1, 256));
  options.bind_policy = static_cast<BindPolicy>(
      variables.Choice("bind_key_id", 1, {"OFF", "ON", "REQUIRED"}));
  startup.key_store = static_cast<KeyStore>(
      variables.Choice("key_store", 0, {"AUTO", "FILES", "SEALED"}));
  startup.key_source = static_cast<KeySource>(
      variables.Choice("key_source", 0, {"KMS", "LOCAL"}));
  startup.recovery_public_key = variables.Text("recovery_public_key");
  startup.local_unlock_file = variables.Text("local_unlock_file");
  variables.Skip("mock");
  ReadCommon(variables, startup.startup_deadline);
  const std::string directory = variables.Text("keyfile_dir");
  Status status = variables.Finish();
  if (!status.ok()) return status;
  startup.access.is_server = false;
  startup.access.data_directory = DirectoryOfData(installation);
  options.directory = !installation.path.empty() ? installation.path
                      : directory.empty()        ? startup.access.data_directory
                                          : Absolute(installation, directory);
  startup.keyfile_dir = options.directory;
  startup.progress = InHundredths(installation.progress);
  options.progress = installation.progress;
  return options;
}

Result<KmipStartupOptions> KmipVersionsOptionsOf(
    const Installation& installation) {
  if (!installation.is_configured) return Unconfigured();
  VariableReader variables = VariablesOf(installation);
  KmipStartupOptions options;
  for (const char* name :
       {"servers", "server_ca", "client_cert", "client_key"}) {
    variables.Require(name);
  }
  ReadServers(variables, options.kmip.servers);
  options.kmip.tls = ReadTls(variables, installation);
  options.kmip.key_password_file =
      Absolute(installation, variables.Text("client_key_password_file"));
  const std::string version = variables.Text("kmip_version", "auto");
  if (!version.empty() && version != "auto") {
    const Result<KmipVersion> parsed = ParseKmipVersion(version);
    if (parsed) {
      options.kmip.version = *parsed;
    } else {
      variables.Complain("kmip_key_management_kmip_version: " +
                         parsed.error().message());
    }
  }
  options.kmip.request_timeout =
      Millis(variables.Integer("request_timeout", 5000, 1, kHour));
  options.load_parallelism =
      static_cast<size_t>(variables.Integer("load_parallelism", 4, 1, 64));
  options.kmip.max_connections = static_cast<int>(options.load_parallelism);
  options.max_objects =
      static_cast<size_t>(variables.Integer("max_objects", 65535, 1, 1 << 24));
  options.group.object_group = variables.Text("object_group");
  ReadCommon(variables, options.startup_deadline);
  Status status = variables.Finish();
  if (!status.ok()) return status;
  options.access.is_server = false;
  options.access.data_directory = DirectoryOfData(installation);
  options.group.note_path =
      JoinPath(options.access.data_directory, kKmipVersionsGroupNote);
  options.group.read_only = true;
  return options;
}

}  // namespace openkeyring
