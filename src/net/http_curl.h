// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_HTTP_CURL_H_
#define OPENKEYRING_NET_HTTP_CURL_H_

#include <memory>
#include <string>

#include "net/http.h"

namespace openkeyring {

// A proxy that the configuration names.
struct HttpProxy {
  std::string address;  // "host:port".
  std::string user;     // "": none; else Basic authentication.
  Secret password;      // libcurl keeps a copy in ordinary memory.
};

struct CurlOptions {
  std::string ca_bundle;  // A PEM file; "" = the system's.
  Millis connect_timeout{2000};
  // Parallel exchanges, and so open connections, at most.
  int max_connections = 16;
  size_t max_response_bytes = 1 << 20;
  // Instead of what the environment names; null: the environment's.
  std::shared_ptr<const HttpProxy> proxy;
};

// The HTTPS client: libcurl, TLS 1.2 or later, peer and host name verified,
// proxies from the options or the environment (HTTPS_PROXY, NO_PROXY, ...).
// Each of up to `max_connections` handles keeps its connection for the next
// call. It raises no signal. libcurl resolves names in a thread that it joins;
// only where a name service hangs beyond the timeout does that thread outlive
// the call (nothing can end its wait), and the library is then never unmapped.
// While a name cannot be resolved, the addresses at which the host answered
// last are used (not behind a proxy). After a fork the child starts with fresh
// connections.
std::unique_ptr<HttpClient> MakeCurlHttpClient(const CurlOptions& options);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_HTTP_CURL_H_
