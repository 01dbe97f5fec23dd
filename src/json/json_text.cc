// SPDX-License-Identifier: MIT
#include "json/json_text.h"

#include <algorithm>
#include <span>

#include "json/json_events.h"

namespace openkeyring {
namespace {

using Json = nlohmann::json;

// Finds the place where a string stops being JSON.
class ErrorFinder : public JsonEvents {
 public:
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception&) override {
    position = at;
    return false;
  }
  size_t position = 0;  // Of the byte where it fails, from 1.
};

}  // namespace

std::string PlaceOfJsonError(std::string_view text) {
  ErrorFinder finder;
  (void)Json::sax_parse(text, &finder);
  const std::string_view before =
      text.substr(0, finder.position > 0 ? finder.position - 1 : 0);
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t start = before.rfind('\n') + 1;  // 0 when there is none.
  return "line " + std::to_string(line) + ", column " +
         std::to_string(before.size() - start + 1);
}

bool IsJsonObject(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start != text.npos && text[start] == '{' && Json::accept(text);
}

void MaskJsonTexts(Secret& json) {
  const std::span<uint8_t> bytes = json.RevealMutable();
  bool inside = false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '"') {
      inside = !inside;
    } else if (inside && bytes[i] == '\\' && i + 1 < bytes.size() &&
               bytes[i + 1] != 'u') {
      ++i;  // An escape, right or wrong.
    } else if (inside && bytes[i] >= ' ') {
      bytes[i] = 'x';
    }
  }
}

}  // namespace openkeyring
