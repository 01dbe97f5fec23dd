// SPDX-License-Identifier: MIT
#include "product/component_keyring_kmip/kmip_component_config.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr int64_t kMostMillis = 3600 * 1000;
constexpr size_t kMostServers = 64;
constexpr char kDirectory[] = "kmip_configuration_directory";

void AddServers(JsonOptions& options, const std::string& name,
                const std::vector<std::string>& texts,
                KmipComponentConfig& config) {
  for (const std::string& text : texts) {
    Result<Endpoint> server = ParseEndpoint(text, kKmipPort);
    if (server) {
      config.kmip.servers.push_back(std::move(*server));
    } else {
      options.Complain(name + ": " + server.error().message());
    }
  }
}

// Percona's: server_addr, server_port. Oracle's: server, standby_server.
void ReadServers(JsonOptions& options, KmipComponentConfig& config) {
  const std::string address = options.Text("server_addr");
  const auto port = options.Integer("server_port", 1, 65535);
  const std::string both = options.Text("server");
  if (options.Has("server_addr") == options.Has("server")) {
    options.Complain(
        "set server_addr and server_port, or server (\"host:port\")");
  } else if (!address.empty()) {
    if (!options.Has("server_port")) options.Complain("server_port is missing");
    config.kmip.servers.push_back(
        {address, static_cast<int>(port.value_or(kKmipPort))});
  } else if (!both.empty()) {
    AddServers(options, "server", {both}, config);
  }
  for (const char* name : {"standby_servers", "standby_server"}) {
    AddServers(options, name, options.TextList(name), config);
  }
  if (config.kmip.servers.size() > kMostServers) {
    options.Complain("there are more than " + std::to_string(kMostServers) +
                     " servers");
  }
}

// A path of the option, or of the file of that name where Oracle's client keeps
// it; of the data directory when it is relative.
std::string ReadPath(JsonOptions& options, const std::string& name,
                     const std::string& directory, const char* file,
                     const ServerDirectories& directories) {
  std::string path = options.Text(name);
  if (!options.Has(name) && file != nullptr) {
    if (directory.empty()) {
      options.Complain(name + " is missing");
    } else {
      path = JoinPath(JoinPath(directory, "ssl"), file);
    }
  }
  // The current directory changes while a server starts.
  if (path.empty() || path.starts_with('/')) return path;
  return JoinPath(directories.instance, path);
}

void ReadFiles(JsonOptions& options, const ServerDirectories& directories,
               KmipServiceOptions& kmip) {
  const std::string directory = options.Text(kDirectory);
  const auto read = [&](const char* name, const char* file) {
    return ReadPath(options, name, directory, file, directories);
  };
  kmip.tls.certificate_file = read("client_ca", "cert.pem");
  kmip.tls.key_file = read("client_key", "key.pem");
  kmip.tls.ca_file = read("server_ca", "CA.pem");
  kmip.key_password_file = read("client_key_password_file", nullptr);
}

void ReadTls(JsonOptions& options, TlsOptions& tls) {
  tls.verify_certificate = options.Bool("tls_peer_verification").value_or(true);
  tls.verify_host_name = options.Bool("tls_hostname_verification")
                             .value_or(tls.verify_certificate);
  if (tls.verify_host_name && !tls.verify_certificate) {
    options.Complain(
        "tls_hostname_verification is of no use without "
        "tls_peer_verification");
  }
  const std::string version = options.Text("tls_min_version");
  if (version == "1.2" || version == "1.3") {
    tls.minimum_version = version;
  } else if (!version.empty()) {
    options.Complain("tls_min_version must be 1.2 or 1.3");
  }
}

void ReadVersion(JsonOptions& options, KmipServiceOptions& kmip) {
  const std::string text = options.Text("kmip_version");
  if (text.empty() || text == "auto") return;
  Result<KmipVersion> version = ParseKmipVersion(text);
  if (version) {
    kmip.version = *version;
  } else {
    options.Complain("kmip_version: " + version.error().message() +
                     ", or auto");
  }
}

void ReadTimes(JsonOptions& options, KmipComponentConfig& config) {
  const struct {
    const char* name;
    Millis& value;
  } times[] = {{"connect_timeout_ms", config.kmip.tls.connect_timeout},
               {"kmip_timeout_ms", config.kmip.request_timeout},
               {"startup_deadline_ms", config.startup_deadline},
               {"reload_deadline_ms", config.reload_deadline},
               {"operation_deadline_ms", config.operation_deadline}};
  for (const auto& time : times) {
    if (const auto value = options.Integer(time.name, 1, kMostMillis)) {
      time.value = Millis(*value);
    }
  }
}

std::string MaxObjectsText(size_t most) {
  return most == SIZE_MAX ? "0" : std::to_string(most);
}

}  // namespace

Result<KmipComponentConfig> ReadKmipComponentConfig(
    FileSystem& files, Log& log, const ServerDirectories& directories) {
  Result<JsonOptions> options =
      ReadComponentFile(files, log, kKmipComponent, directories, {});
  if (!options) return options.error();
  options->Advise("client_key_password",
                  "write it into a file of its own, client_key_password_file");
  if (options->Ignore("path")) {
    log.Write(LogLevel::kNote,
              options->source() +
                  ": path is not used: keys are on the KMIP server, not in a "
                  "file");
  }
  KmipComponentConfig config;
  ReadServers(*options, config);
  ReadFiles(*options, directories, config.kmip);
  ReadTls(*options, config.kmip.tls);
  ReadVersion(*options, config.kmip);
  ReadTimes(*options, config);
  config.group.object_group = options->TextOrBlank("object_group");
  // As Percona's component takes it; its 0 means no limit here.
  if (const auto most = options->Count("max_objects")) {
    config.keys.max_objects = *most == 0 ? SIZE_MAX : *most;
  }
  config.keys.activate_pre_active =
      options->Bool("activate_pre_active").value_or(false);
  config.read_only = options->Bool("read_only").value_or(false);
  config.allow_new_keyring = options->Bool("allow_new_keyring").value_or(false);
  config.keys.read_only = config.group.read_only = config.read_only;
  Status status = options->Finish();
  if (!status.ok()) return status;
  config.warnings = WarningsOf(*options, log);
  return config;
}

std::vector<std::pair<std::string, std::string>> DescribeKmipConfig(
    const KmipComponentConfig& config) {
  const auto text = [](bool value) { return value ? "true" : "false"; };
  const KmipServiceOptions& kmip = config.kmip;
  std::string standbys;
  for (size_t i = 1; i < kmip.servers.size(); ++i) {
    standbys += (i > 1 ? ", " : "") + kmip.servers[i].Text();
  }
  return {
      {"Server_addr", kmip.servers.front().host},
      {"Server_port", std::to_string(kmip.servers.front().port)},
      {"Client_ca", kmip.tls.certificate_file},
      {"Client_key", kmip.tls.key_file},
      {"Server_ca", kmip.tls.ca_file},
      {"Object_group", config.group.object_group},
      {"Max_objects", MaxObjectsText(config.keys.max_objects)},
      {"Kmip_timeout_ms", std::to_string(kmip.request_timeout.count())},
      {"Tls_peer_verification", text(kmip.tls.verify_certificate)},
      {"Tls_hostname_verification", text(kmip.tls.verify_host_name)},
      {"Standby_servers", standbys},
      {"Read_only", config.read_only ? "Yes" : "No"},
      {"Configuration_warnings", ToString(config.warnings)},
  };
}

}  // namespace openkeyring
