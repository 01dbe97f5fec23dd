// SPDX-License-Identifier: MIT
#include "storage/percona/json_element.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxBlob = 6144;  // What KMS makes at most.
// Its base64 text, in hex, with room for line breaks.
constexpr size_t kMaxData = 20000;

Status Corrupt(std::string text) {
  return {StatusCode::kCorrupt, std::move(text)};
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What KMS gives as CiphertextBlob never is base64 text: it starts with the
// byte 1.
JsonElement Decoded(Bytes bytes) {
  JsonElement element;
  std::string text(AsText(bytes));
  std::erase_if(text, IsBlank);
  Result<Bytes> blob = Base64Decode(text);
  const bool is_base64 = blob && !blob->empty();
  element.encoding = is_base64 ? JsonEncoding::kPercona : JsonEncoding::kOracle;
  element.wrapped.blob = is_base64 ? std::move(*blob) : std::move(bytes);
  return element;
}

std::string EncodedData(const JsonElement& element) {
  const Bytes& blob = element.wrapped.blob;
  std::string text = element.encoding == JsonEncoding::kPercona
                         ? HexEncode(AsBytes(Base64Encode(blob)))
                         : HexEncode(blob);
  for (char& c : text) {
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// Why a name or type cannot be; empty when it can.
std::string Problem(std::string_view text, std::string_view what,
                    bool may_be_empty) {
  if (text.empty() && !may_be_empty) return "has an empty " + std::string(what);
  if (text.find('\0') != std::string_view::npos) {
    return "has a zero byte in its " + std::string(what);
  }
  return "";
}

std::string Problem(const KeyName& name, std::string_view type) {
  std::string problem = Problem(name.data_id, "data id", false);
  if (problem.empty()) problem = Problem(name.auth_id, "owner", true);
  if (problem.empty()) problem = Problem(type, "type", false);
  return problem;
}

// Whether a reader gets back what was written.
bool SurvivesJson(std::string_view text) {
  const std::string written = DumpJson(Json(text));
  const Json read = Json::parse(written, nullptr, false);
  const auto* found = read.get_ptr<const std::string*>();
  return found != nullptr && *found == text;
}

}  // namespace

Result<JsonElement> ReadJsonElement(const Json& json) {
  const std::string* data_id = TextMember(json, "data_id");
  const std::string* user = TextMember(json, "user");
  if (data_id == nullptr || user == nullptr) {
    return Corrupt("it is not an object with strings \"data_id\" and \"user\"");
  }
  const KeyName name{*data_id, *user};
  const std::string* type = TextMember(json, "data_type");
  const std::string* data = TextMember(json, "data");
  const auto extension = json.find("extension");
  if (type == nullptr || data == nullptr || extension == json.end() ||
      !extension->is_array()) {
    return Corrupt(ToString(name) +
                   " needs strings \"data_type\" and \"data\" and an array "
                   "\"extension\"");
  }
  const std::string problem = Problem(name, *type);
  if (!problem.empty()) return Corrupt(ToString(name) + " " + problem);
  if (data->empty() || data->size() > kMaxData) {
    return Corrupt(ToString(name) + " has " + std::to_string(data->size()) +
                   " digits of data");
  }
  Result<Bytes> bytes = HexDecode(*data);
  if (!bytes) return Corrupt(ToString(name) + " has data that is not hex");
  JsonElement element = Decoded(std::move(*bytes));
  element.name = name;
  element.type = *type;
  Status status = CheckJsonBlob(element.wrapped.blob, element.encoding);
  if (!status.ok()) return Corrupt(ToString(name) + ": " + status.message());
  return element;
}

std::string WriteJsonElement(const JsonElement& element) {
  Json json = Json::object();
  json["user"] = element.name.auth_id;
  json["data_id"] = element.name.data_id;
  json["data_type"] = element.type;
  json["data"] = EncodedData(element);
  json["extension"] = Json::array();
  return DumpJson(json);
}

std::string ReplaceJsonData(const std::string& text,
                            const JsonElement& element) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return WriteJsonElement(element);
  json["data"] = EncodedData(element);
  return DumpJson(json);
}

Status CheckJsonBlob(const Bytes& blob, JsonEncoding encoding) {
  if (blob.empty() || blob.size() > kMaxBlob) {
    return {StatusCode::kInvalidArgument,
            "a wrapped key of " + std::to_string(blob.size()) +
                " bytes; AWS KMS makes 1 to " + std::to_string(kMaxBlob)};
  }
  if (encoding == JsonEncoding::kPercona ||
      Decoded(blob).encoding == JsonEncoding::kOracle) {
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument,
          "a wrapped key that is base64 text itself, which in a file of "
          "Oracle's would be taken for Percona's encoding"};
}

Status CheckStorable(const KeyName& name, std::string_view type) {
  std::string problem = Problem(name, type);
  if (problem.empty() && !(SurvivesJson(name.data_id) &&
                           SurvivesJson(name.auth_id) && SurvivesJson(type))) {
    problem = "has a name or type that is not UTF-8";
  }
  if (problem.empty()) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          ToString(name) + " " + problem +
              ", which a JSON keyring file cannot hold"};
}

const std::string* TextMember(const Json& json, std::string_view name) {
  const auto found = json.find(name);
  return found == json.end() ? nullptr : found->get_ptr<const std::string*>();
}

std::string DumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace openkeyring
