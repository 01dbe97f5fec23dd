// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_HTTP_H_
#define OPENKEYRING_NET_HTTP_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "os/cancellation.h"
#include "os/clock.h"

namespace openkeyring {

using Header = std::pair<std::string, std::string>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // Absolute; http or https.
  std::vector<Header> headers;
  Secret body;  // Sent for POST and PUT, empty or not.
  // http:// to anything but loopback is refused unless this is set: for the
  // link-local credential endpoints, and where the user asked for it.
  bool allow_plain_http = false;
  // As the options or the environment define it; never for plain http that is
  // sent only because it stays on this machine.
  bool use_proxy = true;
  // Must not reach the server twice. A kept connection may turn out to be dead
  // only after the request went out, and would be replaced and the request sent
  // again; so this one goes out on a new connection.
  bool send_once = false;
  // Ends the exchange early (kTimeout). Borrowed; null: nothing does.
  const Cancellation* cancellation = nullptr;
};

struct HttpResponse {
  int status = 0;
  std::vector<Header> headers;  // Names in lower case.
  Secret body;                  // May hold plaintext keys.

  // The first header of that (lower-case) name.
  std::optional<std::string_view> FindHeader(std::string_view name) const;
};

// kInvalidArgument for a header that must not be sent: a line end in it would
// let whoever chose the value add headers or whole requests. The text names the
// header and never shows the value, which may be secret.
Status CheckHeaders(const std::vector<Header>& headers);

// One HTTP exchange, injected. Any answer of the server, whatever its status,
// is a response; an error means that no whole answer came:
//   kUnavailable    not resolved, refused, cut off, TLS handshake broken off,
//                   not HTTP, or a body beyond the size bound
//   kTimeout        no connection or no answer in time
//   kMisconfigured  certificate not trusted or of another host, bad CA file,
//                   plain http refused
//   kInvalidArgument  a URL or header that must not be sent
// Redirects are not followed.
//
// Threads: Send may be called concurrently; calls beyond the bound of parallel
// connections wait their turn within their timeout.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // `timeout` bounds the whole exchange, waiting for a connection included.
  virtual Result<HttpResponse> Send(const HttpRequest& request,
                                    Millis timeout) = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_HTTP_H_
