// SPDX-License-Identifier: MIT
// The system variables kmip_key_management_*, in the style of
// aws_key_management's.
#include <string>
#include <utility>

// Last: they bring in MariaDB's headers.
#include "server/mariadb/kmip_key_management/kmip_plugin.h"
#include "server/mariadb/shared/common_variables.h"

namespace openkeyring {
namespace {

// A plain pointer, so that nothing runs when the library is unloaded.
constinit KmipKeyManagement* loaded_keys = nullptr;

char* servers_value;
char* server_ca_value;
char* client_cert_value;
char* client_key_value;
char* client_key_password_file_value;
char* object_group_value;
char* kmip_version_value;
char tls_peer_verification_value;
char tls_hostname_verification_value;
unsigned long tls_min_version_value;
int connect_timeout_value;
int request_timeout_value;
int load_parallelism_value;
int max_objects_value;

const char* tls_version_names[] = {"1.2", "1.3", nullptr};
constinit PaddedTypelib tls_versions(tls_version_names, 2);

constexpr int kFixed = PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY;
constexpr int kFixedFlag = PLUGIN_VAR_OPCMDARG | PLUGIN_VAR_READONLY;

MYSQL_SYSVAR_STR(
    servers, servers_value, kFixed,
    "KMIP servers, host:port, separated by commas. All of them hold "
    "the same objects; the first that answers is used",
    nullptr, nullptr, "");
MYSQL_SYSVAR_STR(server_ca, server_ca_value, kFixed,
                 "PEM file of the authority that signed the servers' "
                 "certificates",
                 nullptr, nullptr, "");
MYSQL_SYSVAR_STR(client_cert, client_cert_value, kFixed,
                 "PEM file of this server's certificate, and its chain",
                 nullptr, nullptr, "");
MYSQL_SYSVAR_STR(client_key, client_key_value, kFixed,
                 "PEM file of the certificate's private key", nullptr, nullptr,
                 "");
MYSQL_SYSVAR_STR(client_key_password_file, client_key_password_file_value,
                 kFixed, "File whose first line is the private key's password",
                 nullptr, nullptr, "");
MYSQL_SYSVAR_STR(
    object_group, object_group_value, kFixed,
    "Object Group of this database's keys. Database servers with the "
    "same group share their keys",
    nullptr, nullptr, "");
MYSQL_SYSVAR_STR(kmip_version, kmip_version_value, kFixed,
                 "auto, or one of 1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 2.1", nullptr,
                 nullptr, "auto");
MYSQL_SYSVAR_BOOL(tls_peer_verification, tls_peer_verification_value,
                  kFixedFlag,
                  "Refuse a KMIP server whose certificate is not signed by "
                  "server_ca",
                  nullptr, nullptr, 1);
MYSQL_SYSVAR_BOOL(tls_hostname_verification, tls_hostname_verification_value,
                  kFixedFlag,
                  "Refuse a KMIP server whose certificate has another name",
                  nullptr, nullptr, 1);
MYSQL_SYSVAR_ENUM(tls_min_version, tls_min_version_value, kFixed,
                  "Oldest TLS version to speak: 1.2 or 1.3", nullptr, nullptr,
                  0, &tls_versions.library);
MYSQL_SYSVAR_INT(
    connect_timeout, connect_timeout_value, kFixed,
    "Milliseconds that opening a connection may take, TLS included", nullptr,
    nullptr, 3000, 1, 3600000, 1);
MYSQL_SYSVAR_INT(
    request_timeout, request_timeout_value, kFixed,
    "Milliseconds that one request to one server and its answer may "
    "take",
    nullptr, nullptr, 5000, 1, 3600000, 1);
MYSQL_SYSVAR_INT(
    load_parallelism, load_parallelism_value, kFixed,
    "How many keys are read or rotated concurrently; also the largest "
    "number of connections to a server",
    nullptr, nullptr, 4, 1, 64, 1);
MYSQL_SYSVAR_INT(
    max_objects, max_objects_value, kFixed,
    "How many keys there may be that are not destroyed; more is an "
    "error",
    nullptr, nullptr, 65535, 1, 1 << 24, 1);

#define OPENKEYRING_NAME(name) "kmip_key_management_" #name

TlsOptions Tls() {
  TlsOptions tls;
  tls.ca_file = Text(server_ca_value);
  tls.certificate_file = Text(client_cert_value);
  tls.key_file = Text(client_key_value);
  tls.minimum_version = tls_version_names[tls_min_version_value];
  tls.verify_certificate = tls_peer_verification_value != 0;
  tls.verify_host_name =
      tls_hostname_verification_value != 0 && tls.verify_certificate;
  tls.connect_timeout = Millis(connect_timeout_value);
  tls.names = {OPENKEYRING_NAME(server_ca),
               OPENKEYRING_NAME(client_cert),
               OPENKEYRING_NAME(client_key),
               OPENKEYRING_NAME(client_key_password_file),
               OPENKEYRING_NAME(tls_min_version),
               OPENKEYRING_NAME(tls_peer_verification),
               OPENKEYRING_NAME(tls_hostname_verification)};
  return tls;
}

Status Misconfigured(const char* option, const std::string& text) {
  return {StatusCode::kMisconfigured, std::string(option) + text};
}

Status ReadServers(const std::string& list, std::vector<Endpoint>& servers) {
  for (size_t start = 0, end = 0; end != list.npos; start = end + 1) {
    end = list.find(',', start);
    Result<Endpoint> server =
        ParseEndpoint(std::string_view(list).substr(
                          start, end == list.npos ? end : end - start),
                      kKmipPort);
    if (!server) {
      return server.error().WithContext(OPENKEYRING_NAME(servers));
    }
    servers.push_back(std::move(*server));
  }
  return Status::Ok();
}

Result<KmipStartupOptions> OptionsFromVariables() {
  const std::pair<const char*, const char*> needed[] = {
      {OPENKEYRING_NAME(servers), servers_value},
      {OPENKEYRING_NAME(server_ca), server_ca_value},
      {OPENKEYRING_NAME(client_cert), client_cert_value},
      {OPENKEYRING_NAME(client_key), client_key_value}};
  for (const auto& [name, value] : needed) {
    if (Text(value).empty()) return Misconfigured(name, " is not set");
  }
  KmipStartupOptions options;
  Status status = ReadServers(servers_value, options.kmip.servers);
  if (!status.ok()) return status;
  options.kmip.tls = Tls();
  options.kmip.key_password_file = Text(client_key_password_file_value);
  if (const std::string version = Text(kmip_version_value);
      !version.empty() && version != "auto") {
    Result<KmipVersion> parsed = ParseKmipVersion(version);
    if (!parsed) {
      return parsed.error().WithContext(OPENKEYRING_NAME(kmip_version));
    }
    options.kmip.version = *parsed;
  }
  options.kmip.request_timeout = Millis(request_timeout_value);
  options.kmip.max_connections = load_parallelism_value;
  options.group.object_group = Text(object_group_value);
  options.access = AccessOfThisProgram();
  options.group.note_path =
      JoinPath(options.access.data_directory, kKmipVersionsGroupNote);
  // mariadb-backup makes neither keys nor what they need.
  options.group.read_only = !options.access.is_server;
  options.max_objects = static_cast<size_t>(max_objects_value);
  options.load_parallelism = static_cast<size_t>(load_parallelism_value);
  options.startup_deadline = StartupDeadline();
  return options;
}

}  // namespace

st_mysql_sys_var* kmip_system_variables[] = {
    MYSQL_SYSVAR(servers),
    MYSQL_SYSVAR(server_ca),
    MYSQL_SYSVAR(client_cert),
    MYSQL_SYSVAR(client_key),
    MYSQL_SYSVAR(client_key_password_file),
    MYSQL_SYSVAR(object_group),
    MYSQL_SYSVAR(kmip_version),
    MYSQL_SYSVAR(tls_peer_verification),
    MYSQL_SYSVAR(tls_hostname_verification),
    MYSQL_SYSVAR(tls_min_version),
    MYSQL_SYSVAR(connect_timeout),
    MYSQL_SYSVAR(request_timeout),
    MYSQL_SYSVAR(load_parallelism),
    MYSQL_SYSVAR(max_objects),
    MYSQL_SYSVAR(key_spec),
    MYSQL_SYSVAR(rotate_key),
    MYSQL_SYSVAR(log_level),
    MYSQL_SYSVAR(encryption_algorithm),
    MYSQL_SYSVAR(startup_deadline),
    MYSQL_SYSVAR(operation_deadline),
    nullptr};

std::string_view LogPrefix() { return "KMIP plugin"; }
std::string_view PluginName() { return "kmip_key_management"; }
void AdoptVariables() { AdoptCommonVariables(); }
Status MayMakeKeys() { return Status::Ok(); }

DynamicKeyOptions& DynamicOptions() {
  static DynamicKeyOptions options;
  return options;
}
KmipKeyManagement& LoadedKmipKeys() { return *loaded_keys; }

Result<VersionedKeys*> StartKeys() {
  Result<KmipStartupOptions> options = OptionsFromVariables();
  if (!options) return options.error();
  Result<std::unique_ptr<KmipKeyManagement>> opened = KmipKeyManagement::Open(
      std::move(*options), DynamicOptions(), ThePlugin().log);
  if (!opened) return opened.error();
  loaded_keys = opened->release();
  return &loaded_keys->keys();
}

void StopKeys() { delete std::exchange(loaded_keys, nullptr); }

}  // namespace openkeyring
