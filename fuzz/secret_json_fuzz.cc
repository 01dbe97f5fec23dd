// SPDX-License-Identifier: MIT
// Agrees with the JSON library on the value, and leaves the rest as it was.
#include <nlohmann/json.hpp>
#include <string>

#include "fuzz/check.h"
#include "json/secret_json.h"

using namespace openkeyring;
using Json = nlohmann::json;

namespace {

constexpr char kMember[] = "Plaintext";

// Where the two may differ: the library takes a byte order mark and stops at a
// NUL; ours refuses deep nesting and members that appear twice.
bool MayDiffer(std::string_view text, const Status& error) {
  return text.starts_with("\xef\xbb\xbf") ||
         text.find('\0') != std::string_view::npos ||
         std::ranges::count_if(
             text, [](char c) { return c == '{' || c == '['; }) > 63 ||
         error.message().find("twice") != std::string::npos;
}

void CheckTaken(std::string_view text, const Secret& body,
                const Secret& value) {
  Json before = Json::parse(text.begin(), text.end(), nullptr, false);
  if (before.is_discarded()) return;  // Numbers, UTF-8: not checked by ours.
  const std::string_view rest = body.RevealText();
  Json after = Json::parse(rest.begin(), rest.end(), nullptr, false);
  Check(!after.is_discarded(), "the body stays JSON");
  Check(before[kMember].is_string(), "the library sees a string too");
  Check(before[kMember].get<std::string>() == value.RevealText(),
        "both read the same");
  Check(after[kMember].get<std::string>().find_first_not_of('*') ==
            std::string::npos,
        "nothing of it is left");
  before.erase(kMember);
  after.erase(kMember);
  Check(before == after, "all else is untouched");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = InputText(data, size);
  Secret body = Secret::CopyOf(text);
  const Result<Secret> value = TakeJsonString(body, kMember);
  Check(body.size() == size, "the size stays");
  if (value) {
    CheckTaken(text, body, *value);
    return 0;
  }
  Check(value.error().code() == StatusCode::kNotFound ||
            value.error().code() == StatusCode::kCorrupt,
        "its codes");
  Check(body.RevealText() == text, "unchanged on failure");
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_object() && json.contains(kMember) && json[kMember].is_string()) {
    Check(MayDiffer(text, value.error()), "the library found a string");
  }
  return 0;
}
