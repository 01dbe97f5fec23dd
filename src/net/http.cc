// SPDX-License-Identifier: MIT
#include "net/http.h"

#include <algorithm>

namespace openkeyring {

std::optional<std::string_view> HttpResponse::FindHeader(
    std::string_view name) const {
  for (const Header& header : headers) {
    if (header.first == name) return header.second;
  }
  return std::nullopt;
}

Status CheckHeaders(const std::vector<Header>& headers) {
  const auto is_name = [](char c) {
    return c > ' ' && c < 0x7f && c != ':' && c != ';';
  };
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
  };
  for (const auto& [name, value] : headers) {
    if (name.empty() || !std::ranges::all_of(name, is_name)) {
      return {StatusCode::kInvalidArgument, "a bad name of a header"};
    }
    if (std::ranges::any_of(value, is_control)) {
      return {StatusCode::kInvalidArgument,
              "the value of the header " + name +
                  " holds a line end or another control character"};
    }
  }
  return Status::Ok();
}

}  // namespace openkeyring
