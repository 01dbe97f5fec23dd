// SPDX-License-Identifier: MIT
// The status variables Kmip_key_management_*.
#include "server/mariadb/kmip_key_management/kmip_plugin.h"
// Last: it brings in MariaDB's headers.
#include "server/mariadb/shared/status_entry.h"

namespace openkeyring {
namespace {

std::string Server(KmipHost& host) { return host.status().server; }
std::string Version(KmipHost& host) { return host.status().version; }
std::string Tls(KmipHost& host) { return host.status().tls; }
std::string Connections(KmipHost& host) {
  return std::to_string(host.status().connections);
}
std::string LastError(KmipHost& host) {
  return host.status().last_error.message();
}

}  // namespace

st_mysql_show_var kmip_status_variables[] = {
    Entry<EncryptionHost, Keys>("kmip_key_management_keys"),
    Entry<EncryptionHost, VersionsLoaded>(
        "kmip_key_management_versions_loaded"),
    Entry<EncryptionHost, VersionsFailed>(
        "kmip_key_management_versions_failed"),
    Entry<KmipHost, Server>("kmip_key_management_server_in_use"),
    Entry<KmipHost, Version>("kmip_key_management_protocol_version"),
    Entry<KmipHost, Tls>("kmip_key_management_tls"),
    Entry<KmipHost, Connections>("kmip_key_management_connections"),
    Entry<KmipHost, LastError>("kmip_key_management_last_error"),
    {nullptr, nullptr, SHOW_UNDEF}};

}  // namespace openkeyring
