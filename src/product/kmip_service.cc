// SPDX-License-Identifier: MIT
#include "product/kmip_service.h"

#include <utility>

#include "os/file_system.h"
#include "os/permissions_cure.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxPasswordFile = 4096;
constexpr mode_t kReadableByOthers = 0004;

Result<Secret> ReadPassword(const std::string& path) {
  Result<Secret> content = PosixFileSystem().ReadSecret(path, kMaxPasswordFile);
  if (!content) {
    return Status(StatusCode::kMisconfigured,
                  "the password of the client's "
                  "key: " +
                      content.error().message());
  }
  content->Truncate(content->RevealText().find_first_of("\r\n"));
  if (content->empty()) {
    return Status(StatusCode::kMisconfigured,
                  path + " has no password in its first line");
  }
  return content;
}

void WarnOfOpenKey(const std::string& path, Log& log) {
  const Result<FileInfo> info = PosixFileSystem().Stat(path);
  if (!info || (info->permissions & kReadableByOthers) == 0) return;
  log.Write(LogLevel::kWarning,
            path + " is a private key that is world-readable; run: " +
                PermissionsCure(path));
}

// Named as the user's options are.
void WarnOfUnverified(const TlsOptions& tls, Log& log) {
  if (tls.verify_certificate && tls.verify_host_name) return;
  log.Write(
      LogLevel::kWarning,
      tls.verify_certificate
          ? tls.names.verify_host_name +
                " is off: whoever has a certificate of the authority in " +
                tls.names.ca_file + " can take the KMIP server's place"
          : tls.names.verify_certificate +
                " is off: anybody in the network can take the KMIP "
                "server's place and read every key");
}

}  // namespace

Result<std::unique_ptr<KmipService>> KmipService::Make(
    KmipServiceOptions options, Log& log) {
  if (!options.key_password_file.empty()) {
    Result<Secret> password = ReadPassword(options.key_password_file);
    if (!password) return password.error();
    options.tls.key_password = std::move(*password);
  }
  WarnOfOpenKey(options.tls.key_file, log);
  WarnOfUnverified(options.tls, log);
  Result<std::unique_ptr<TlsConnector>> connector =
      TlsConnector::Make(std::move(options.tls), PosixFileSystem());
  if (!connector) return connector.error();
  KmipClientOptions client;
  client.servers = std::move(options.servers);
  client.version = options.version;
  client.request_timeout = options.request_timeout;
  client.statistics = std::move(options.statistics);
  client.pool.max_in_use = options.max_connections;
  client.pool.max_idle = options.max_idle;
  return std::unique_ptr<KmipService>(
      new KmipService(std::move(client), std::move(*connector), log));
}

KmipService::KmipService(KmipClientOptions options,
                         std::unique_ptr<TlsConnector> connector, Log& log)
    : connector_(std::move(connector)),
      client_(std::move(options), *connector_, SystemClock(), log) {}

void KmipService::AddMetrics(WallTime now, MetricValues& values) {
  AddCalls(client_.statistics()->Get(), now, values);
  AddExpiration(connector_->CertificateExpiry(), now,
                values.client_certificate_expires);
}

}  // namespace openkeyring
