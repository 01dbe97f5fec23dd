// SPDX-License-Identifier: MIT
// The status variables Aws_key_management_*.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <string>

#include "server/guard.h"
// Last: it brings in MariaDB's headers.
#include "server/mariadb/aws_plugin.h"

namespace openkeyring {
namespace {

// "2026-11-22 13:05:59" in UTC, or "" for never.
std::string UtcText(const std::optional<WallTime>& time) {
  if (!time) return "";
  const time_t seconds = std::chrono::system_clock::to_time_t(*time);
  tm utc;
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &utc);
  return text.data();
}

std::string Number(uint64_t value) { return std::to_string(value); }

// One row's value, computed when it is asked for.
using Row = std::string (*)(AwsHost&);

// A show function, which the server gives a buffer of
// SHOW_VAR_FUNC_BUFF_SIZE bytes for the text.
template <Row kRow>
int Show(MYSQL_THD, st_mysql_show_var* variable, void* buffer,
         system_status_var*, enum_var_type) {
  AwsPlugin& plugin = ThePlugin();
  char* text = static_cast<char*>(buffer);
  *text = '\0';
  variable->type = SHOW_CHAR;
  variable->value = text;
  return Guarded(plugin.log, 0, [&] {
    if (plugin.host == nullptr) return 0;
    const std::string value = kRow(*plugin.host);
    const size_t size =
        std::min<size_t>(value.size(), SHOW_VAR_FUNC_BUFF_SIZE - 1);
    memcpy(text, value.data(), size);
    text[size] = '\0';
    return 0;
  });
}

template <Row kRow>
st_mysql_show_var Entry(const char* name) {
  return {name, reinterpret_cast<void*>(&Show<kRow>), SHOW_FUNC};
}

std::string Keys(AwsHost& host) { return Number(host.keys().counts().ids); }
std::string VersionsLoaded(AwsHost& host) {
  return Number(host.keys().counts().versions_loaded);
}
std::string VersionsFailed(AwsHost& host) {
  return Number(host.keys().counts().versions_failed);
}
std::string Requests(AwsHost& host) {
  return Number(host.statistics().requests);
}
std::string Retries(AwsHost& host) { return Number(host.statistics().retries); }
std::string Errors(AwsHost& host) { return Number(host.statistics().errors); }
std::string LastError(AwsHost& host) { return host.statistics().last_error; }
std::string LastErrorTime(AwsHost& host) {
  return UtcText(host.statistics().last_error_time);
}
std::string LastSuccessTime(AwsHost& host) {
  return UtcText(host.statistics().last_success_time);
}
std::string CredentialSourceName(AwsHost& host) {
  return host.credential_source();
}
std::string Endpoint(AwsHost& host) { return host.statistics().endpoint; }

}  // namespace

st_mysql_show_var aws_status_variables[] = {
    Entry<Keys>("aws_key_management_keys"),
    Entry<VersionsLoaded>("aws_key_management_versions_loaded"),
    Entry<VersionsFailed>("aws_key_management_versions_failed"),
    Entry<Requests>("aws_key_management_kms_requests"),
    Entry<Retries>("aws_key_management_kms_retries"),
    Entry<Errors>("aws_key_management_kms_errors"),
    Entry<LastError>("aws_key_management_last_error"),
    Entry<LastErrorTime>("aws_key_management_last_error_time"),
    Entry<LastSuccessTime>("aws_key_management_last_success_time"),
    Entry<CredentialSourceName>("aws_key_management_credential_source"),
    Entry<Endpoint>("aws_key_management_endpoint"),
    {nullptr, nullptr, SHOW_UNDEF}};

}  // namespace openkeyring
