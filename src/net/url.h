// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_URL_H_
#define OPENKEYRING_NET_URL_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace openkeyring {

// The parts of an absolute http or https URL.
struct Url {
  std::string scheme;  // "http" or "https", lower case.
  std::string host;    // Lower case; an IPv6 address without its brackets.
  int port = 0;        // Never 0: 80 or 443 when the text names none.
  std::string path;    // Starts with "/"; "/" when the text has none.
  std::string query;   // Without the "?"; may be empty.

  // What the Host header must say: the host (IPv6 in brackets), and ":port"
  // unless it is the scheme's own.
  std::string HostHeader() const;
  // The complete URL.
  std::string ToString() const;
  // True for localhost, *.localhost, 127.0.0.0/8 and ::1.
  bool IsLoopback() const;
};

// kInvalidArgument for another scheme, user information, a host that is neither
// a name nor an address, a bad port, or a character that does not belong in a
// URL; its text shows nothing that lies before an "@". A fragment is dropped.
Result<Url> ParseUrl(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_URL_H_
