// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_ENDPOINT_H_
#define OPENKEYRING_NET_ENDPOINT_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace openkeyring {

// A host and a port.
struct Endpoint {
  std::string host;  // An IPv6 address without brackets.
  int port = 0;
  bool operator==(const Endpoint&) const = default;
  std::string Text() const;  // "host:port", "[v6]:port".
};

// The host as URLs and endpoints write it: an IPv6 address in brackets.
std::string BracketedHost(const std::string& host);

// Decimal, 1 to 65535; kMisconfigured for anything else.
Result<int> ParsePort(std::string_view text);

// "host", "host:port", "192.0.2.1:5696", "[2001:db8::1]:5696", or an IPv6
// address alone. kMisconfigured for anything else.
Result<Endpoint> ParseEndpoint(std::string_view text, int default_port);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_ENDPOINT_H_
