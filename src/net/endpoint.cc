// SPDX-License-Identifier: MIT
#include "net/endpoint.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kHexAndDots[] = "0123456789abcdefABCDEF:.";

Status NotAnEndpoint(std::string_view text) {
  return {StatusCode::kMisconfigured,
          '"' + std::string(text) + "\" is not host:port"};
}

bool IsHost(std::string_view host) {
  if (host.empty() || host.find_first_of(" \t,;/[]@") != host.npos) {
    return false;
  }
  if (host.find(':') == host.npos) return true;
  const std::string_view address = host.substr(0, host.find('%'));  // No scope.
  // Else it is a host with too many ports.
  const bool is_complete =
      address.find("::") != host.npos || std::ranges::count(address, ':') == 7;
  return is_complete && address.find_first_not_of(kHexAndDots) == host.npos;
}

}  // namespace

std::string BracketedHost(const std::string& host) {
  return host.find(':') == host.npos ? host : '[' + host + ']';
}

std::string Endpoint::Text() const {
  return BracketedHost(host) + ':' + std::to_string(port);
}

Result<int> ParsePort(std::string_view text) {
  int port = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 ||
      port > 65535) {
    return Status(StatusCode::kMisconfigured,
                  "the port must be a number from 1 to 65535");
  }
  return port;
}

Result<Endpoint> ParseEndpoint(std::string_view text, int default_port) {
  std::string_view host = Trim(text), port;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == host.npos) return NotAnEndpoint(text);
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && port.front() != ':') return NotAnEndpoint(text);
  } else if (std::ranges::count(host, ':') == 1) {
    const size_t colon = host.find(':');
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  Endpoint endpoint = {std::string(host), default_port};
  if (!port.empty()) {
    const Result<int> number = ParsePort(port.substr(1));
    if (!number) return NotAnEndpoint(text);
    endpoint.port = *number;
  }
  if (!IsHost(host)) return NotAnEndpoint(text);
  return endpoint;
}

}  // namespace openkeyring
