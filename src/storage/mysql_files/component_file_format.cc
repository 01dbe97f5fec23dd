// SPDX-License-Identifier: MIT
#include "storage/mysql_files/component_file_format.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/encoding.h"
#include "json/json_check.h"

namespace openkeyring {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kData = "\"data\"";
constexpr std::string_view kWhitespace = " \t\r\n";
constexpr char kHexDigits[] = "0123456789ABCDEF";

Status Corrupt(std::string what) {
  return {StatusCode::kCorrupt, std::move(what)};
}

int NibbleOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Goes through a JSON text, string by string.
class StringScanner {
 public:
  explicit StringScanner(std::string_view text) : text_(text) {}

  // Moves to the next string; false at the end. `start` is behind its first
  // quotation mark, `end` is its last one.
  bool Next(size_t& start, size_t& end) {
    const size_t open = text_.find('"', at_);
    if (open == text_.npos) return false;
    start = open + 1;
    for (end = start; end < text_.size() && text_[end] != '"'; ++end) {
      if (text_[end] == '\\') ++end;
    }
    if (end >= text_.size()) return false;
    at_ = end + 1;
    return true;
  }
  // Whether a colon follows, so that the string was a member's name.
  bool AtColon() {
    while (at_ < text_.size() && kWhitespace.find(text_[at_]) != text_.npos) {
      ++at_;
    }
    return at_ < text_.size() && text_[at_] == ':';
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

// The key that these digits spell. They become zeros.
Result<Secret> TakeHex(std::span<uint8_t> digits) {
  if (digits.size() % 2 != 0) return Corrupt("its data is not hex");
  Secret key(digits.size() / 2);
  bool good = true;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = NibbleOf(static_cast<char>(digits[i]));
    const int low = NibbleOf(static_cast<char>(digits[i + 1]));
    good = good && high >= 0 && low >= 0;
    key.RevealMutable()[i / 2] =
        static_cast<uint8_t>((high & 15) << 4 | (low & 15));
    digits[i] = digits[i + 1] = '0';
  }
  if (!good) return Corrupt("its data is not hex");
  return key;
}

// The value of every member "data", in their order.
Result<std::vector<Secret>> TakeKeys(Secret& content) {
  std::vector<Secret> keys;
  StringScanner scanner(content.RevealText());
  size_t start = 0, end = 0;
  bool is_value = false;
  Status first_error;
  while (scanner.Next(start, end)) {
    if (is_value) {
      Result<Secret> key =
          TakeHex(content.RevealMutable().subspan(start, end - start));
      // Goes on: what follows must be overwritten, too.
      if (!key && first_error.ok()) first_error = key.error();
      if (key) keys.push_back(std::move(*key));
    }
    const bool is_name = !is_value && scanner.AtColon();
    const std::string_view quoted =
        content.RevealText().substr(start - 1, end - start + 2);
    // "d\u0061ta" is data, too, and its value would be taken from elsewhere.
    if (is_name && quoted.find('\\') != quoted.npos && first_error.ok()) {
      first_error = Corrupt("the name of a member has an escape");
    }
    is_value = is_name && quoted == kData;
  }
  if (!first_error.ok()) {
    return first_error.WithContext("element " + std::to_string(keys.size()));
  }
  return keys;
}

const std::string* TextOf(const Json& element, const char* name) {
  const auto found = element.find(name);
  return found == element.end() || !found->is_string()
             ? nullptr
             : found->get_ptr<const std::string*>();
}

Result<Key> ReadElement(const Json& element, Secret data) {
  if (!element.is_object()) return Corrupt("not an object");
  const std::string* user = TextOf(element, "user");
  const std::string* data_id = TextOf(element, "data_id");
  const std::string* type = TextOf(element, "data_type");
  const std::string* hex = TextOf(element, "data");
  if (user == nullptr || data_id == nullptr || type == nullptr ||
      hex == nullptr) {
    return Corrupt("lacks user, data_id, data_type or data");
  }
  if (data_id->empty() || type->empty()) {
    return Corrupt("has an empty data_id or data_type");
  }
  if (data.empty() || hex->size() != 2 * data.size()) {
    return Corrupt("has no data");
  }
  return Key{{*data_id, *user}, *type, std::move(data)};
}

Result<std::vector<Key>> ReadElements(const Json& elements,
                                      std::vector<Secret> data) {
  if (elements.size() != data.size()) {
    return Corrupt("it does not have one data for each element");
  }
  std::vector<Key> keys;
  std::set<KeyName> names;
  for (size_t i = 0; i < elements.size(); ++i) {
    Result<Key> key = ReadElement(elements[i], std::move(data[i]));
    if (!key) return key.error().WithContext("element " + std::to_string(i));
    if (!names.insert(key->name).second) {
      return Corrupt(ToString(key->name) + " is duplicate");
    }
    keys.push_back(std::move(*key));
  }
  return keys;
}

void AppendHex(ByteView bytes, Secret& out) {
  Secret hex(2 * bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    hex.RevealMutable()[2 * i] =
        static_cast<uint8_t>(kHexDigits[bytes[i] >> 4]);
    hex.RevealMutable()[2 * i + 1] =
        static_cast<uint8_t>(kHexDigits[bytes[i] & 15]);
  }
  out.Append(hex.RevealBytes());
}

}  // namespace

bool LooksLikeJsonKeyring(ByteView start) {
  const std::string_view text = Trim(AsText(start));
  return !text.empty() && text[0] == '{';
}

Result<std::vector<Key>> ReadPlainJsonKeyring(Secret& content) {
  if (content.empty()) return std::vector<Key>();
  Result<std::vector<Secret>> data = TakeKeys(content);
  if (!data) return data.error();
  Status status = CheckJson(content.RevealText());
  if (!status.ok()) return status;
  const Json document = Json::parse(content.RevealText(), nullptr, false);
  const auto elements =
      document.is_object() ? document.find("elements") : document.end();
  if (!document.is_object() || TextOf(document, "version") == nullptr ||
      elements == document.end() || !elements->is_array()) {
    return Corrupt("it is not a JSON keyring");
  }
  if (*TextOf(document, "version") != "1.0") {
    return Status(StatusCode::kMisconfigured,
                  "its version is not 1.0; this software does not know it");
  }
  return ReadElements(*elements, std::move(*data));
}

Result<Secret> WritePlainJsonKeyring(const std::vector<const Key*>& keys) {
  Secret out = Secret::CopyOf("{\"version\":\"1.0\",\"elements\":[");
  bool first = true;
  for (const Key* key : keys) {
    for (const std::string* text :
         {&key->name.auth_id, &key->name.data_id, &key->type}) {
      if (IsUtf8(*text) && text->find('\0') == text->npos) continue;
      return Status(StatusCode::kInvalidArgument,
                    ToString(key->name) +
                        " has a name or a type that a JSON keyring cannot "
                        "hold");
    }
    const Json fields[] = {key->name.auth_id, key->name.data_id, key->type};
    out.Append(std::string(first ? "{" : ",{") + "\"user\":" +
               fields[0].dump() + ",\"data_id\":" + fields[1].dump() +
               ",\"data_type\":" + fields[2].dump() + ",\"data\":\"");
    AppendHex(key->data.RevealBytes(), out);
    out.Append(std::string_view("\",\"extension\":[]}"));
    first = false;
  }
  out.Append(std::string_view("]}"));
  return out;
}

}  // namespace openkeyring
