// SPDX-License-Identifier: MIT
#include "emulators/shared/http_message.h"

#include <time.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace emulators {

std::optional<std::string_view> HttpMessage::Find(std::string_view name) const {
  for (const Header& header : headers) {
    if (openkeyring::AsciiLower(header.first) == name) return header.second;
  }
  return std::nullopt;
}

std::string HttpMessage::Get(std::string_view name) const {
  return std::string(Find(name).value_or(""));
}

std::optional<std::string> FormValue(std::string_view form,
                                     std::string_view name) {
  while (!form.empty()) {
    const std::string_view part = form.substr(0, form.find('&'));
    const size_t equals = std::min(part.find('='), part.size());
    if (openkeyring::PercentDecode(part.substr(0, equals), true) == name) {
      return openkeyring::PercentDecode(
          part.substr(std::min(equals + 1, part.size())), true);
    }
    form.remove_prefix(std::min(part.size() + 1, form.size()));
  }
  return std::nullopt;
}

std::string HttpDate(openkeyring::WallTime time) {
  const time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm utc;
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text;
  strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

}  // namespace emulators
