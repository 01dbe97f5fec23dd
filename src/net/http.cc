// SPDX-License-Identifier: MIT
#include "net/http.h"

namespace openkeyring {

std::optional<std::string_view> HttpResponse::FindHeader(
    std::string_view name) const {
  for (const Header& header : headers) {
    if (header.first == name) return header.second;
  }
  return std::nullopt;
}

}  // namespace openkeyring
