// SPDX-License-Identifier: MIT
// The status variables Aws_key_management_*.
#include <time.h>

#include <array>
#include <string>

// Last: they bring in MariaDB's headers.
#include "server/mariadb/aws_key_management/aws_plugin.h"
#include "server/mariadb/shared/status_entry.h"

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

std::string Requests(AwsHost& host) {
  return std::to_string(host.statistics().requests);
}
std::string Retries(AwsHost& host) {
  return std::to_string(host.statistics().retries);
}
std::string Errors(AwsHost& host) {
  return std::to_string(host.statistics().errors);
}
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
    Entry<EncryptionHost, Keys>("aws_key_management_keys"),
    Entry<EncryptionHost, VersionsLoaded>("aws_key_management_versions_loaded"),
    Entry<EncryptionHost, VersionsFailed>("aws_key_management_versions_failed"),
    Entry<AwsHost, Requests>("aws_key_management_kms_requests"),
    Entry<AwsHost, Retries>("aws_key_management_kms_retries"),
    Entry<AwsHost, Errors>("aws_key_management_kms_errors"),
    Entry<AwsHost, LastError>("aws_key_management_last_error"),
    Entry<AwsHost, LastErrorTime>("aws_key_management_last_error_time"),
    Entry<AwsHost, LastSuccessTime>("aws_key_management_last_success_time"),
    Entry<AwsHost, CredentialSourceName>(
        "aws_key_management_credential_source"),
    Entry<AwsHost, Endpoint>("aws_key_management_endpoint"),
    {nullptr, nullptr, SHOW_UNDEF}};

}  // namespace openkeyring
