// SPDX-License-Identifier: MIT
#include "product/kmip_service.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "os/file_system.h"

namespace openkeyring {
namespace {

constexpr char kHexAndDots[] = "0123456789abcdefABCDEF:.";
constexpr size_t kMaxPasswordFile = 4096;
constexpr mode_t kReadableByOthers = 0004;

Status NotAnEndpoint(std::string_view text) {
  return {StatusCode::kMisconfigured,
          '"' + std::string(text) + "\" is not host:port"};
}

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
            path + " is a private key that is world-readable: chmod 0600 it");
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

Result<Endpoint> ParseEndpoint(std::string_view text, int default_port) {
  std::string_view host = Trim(text), port;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == host.npos) return NotAnEndpoint(text);
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && port.front() != ':') return NotAnEndpoint(text);
  } else if (const size_t colon = host.find(':');
             colon != host.npos && host.find(':', colon + 1) == host.npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  Endpoint endpoint = {std::string(host), default_port};
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size()) {
      return NotAnEndpoint(text);
    }
  }
  const std::string_view address = host.substr(0, host.find('%'));  // No scope.
  const bool is_v6 = host.find(':') != host.npos;
  // Else it is a host with too many ports.
  const bool is_whole = address.find("::") != host.npos ||
                        std::count(address.begin(), address.end(), ':') == 7;
  const bool valid =
      !host.empty() && (!is_v6 || is_whole) &&
      (!is_v6 || address.find_first_not_of(kHexAndDots) == host.npos) &&
      host.find_first_of(" \t,;/[]@") == host.npos && endpoint.port >= 1 &&
      endpoint.port <= 65535;
  if (!valid) return NotAnEndpoint(text);
  return endpoint;
}

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
  client.pool.max_in_use = options.max_connections;
  client.pool.max_idle = options.max_idle;
  return std::unique_ptr<KmipService>(
      new KmipService(std::move(client), std::move(*connector), log));
}

KmipService::KmipService(KmipClientOptions options,
                         std::unique_ptr<TlsConnector> connector, Log& log)
    : connector_(std::move(connector)),
      client_(std::move(options), *connector_, SystemClock(), log) {}

}  // namespace openkeyring
