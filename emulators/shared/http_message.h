// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_HTTP_MESSAGE_H_
#define OPENKEYRING_EMULATORS_SHARED_HTTP_MESSAGE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/clock.h"

namespace emulators {

using Header = std::pair<std::string, std::string>;

// A request as it came, nothing decoded: signatures are over these very bytes.
struct HttpMessage {
  std::string method;
  std::string path;   // Percent-encoded; starts with "/".
  std::string query;  // Without the "?".
  bool http_1_0 = false;
  std::vector<Header> headers;  // In the order sent; values trimmed.
  std::string body;             // Chunks joined.

  // The first header of that (lower-case) name.
  std::optional<std::string_view> Find(std::string_view name) const;
  // The same, "" when absent.
  std::string Get(std::string_view name) const;
};

// How an answer gets onto the wire. All but kWhole and kTwice end the
// connection.
struct Delivery {
  enum class Kind {
    kWhole,
    kCut,       // Nothing is sent; the connection is closed in order (FIN).
    kReset,     // Nothing is sent; the connection is reset (RST).
    kTruncate,  // Content-Length of the whole body, but only `bytes` of it.
    kTwice,     // As kWhole, and then all of it again.
    kHang,      // Nothing is sent until the client leaves or `hang` passes.
  };
  Kind kind = Kind::kWhole;
  size_t bytes = 0;
  openkeyring::Millis hang{0};  // 0: without end.
};

struct Reply {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
  Delivery delivery;
};

// One value of a query or form body ("a=1&b=2"), percent-decoded; nothing when
// the name is not there.
std::optional<std::string> FormValue(std::string_view form,
                                     std::string_view name);

// "Sun, 22 Nov 2026 00:00:00 GMT"
std::string HttpDate(openkeyring::WallTime time);

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_HTTP_MESSAGE_H_
