// SPDX-License-Identifier: MIT
// The status variables Kmip_key_management_*.
#include <iterator>

#include "server/mariadb/kmip_key_management/kmip_plugin.h"
// Last: they bring in MariaDB's headers.
#include "server/mariadb/shared/metric_entries.h"
#include "server/mariadb/shared/status_entry.h"

namespace openkeyring {
namespace {

std::string Server() { return LoadedKmipKeys().status().server; }
std::string Version() { return LoadedKmipKeys().status().version; }
std::string Tls() { return LoadedKmipKeys().status().tls; }
std::string Connections() {
  return std::to_string(LoadedKmipKeys().status().connections);
}
std::string GroupMarker() { return LoadedKmipKeys().group_marker(); }
std::string LastError() {
  return LoadedKmipKeys().status().last_error.message();
}

}  // namespace

MetricValues ProductMetrics() { return LoadedKmipKeys().Metrics(); }

st_mysql_show_var kmip_status_variables[] = {
    Entry<Keys>("kmip_key_management_keys"),
    Entry<VersionsLoaded>("kmip_key_management_versions_loaded"),
    Entry<VersionsFailed>("kmip_key_management_versions_failed"),
    Entry<Server>("kmip_key_management_server_in_use"),
    Entry<Version>("kmip_key_management_protocol_version"),
    Entry<Tls>("kmip_key_management_tls"),
    Entry<Connections>("kmip_key_management_connections"),
    Entry<GroupMarker>("kmip_key_management_group_marker"),
    Entry<LastError>("kmip_key_management_last_error"),
    Entry<SecretMemoryText>("kmip_key_management_secret_memory"),
    {nullptr, nullptr, SHOW_UNDEF},  // Room for the metrics.
    {nullptr, nullptr, SHOW_UNDEF}};

void ShowMetrics() { std::end(kmip_status_variables)[-2] = Metrics(); }

}  // namespace openkeyring
