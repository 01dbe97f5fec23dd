// SPDX-License-Identifier: MIT
#include "aws/credentials/answer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "aws/values.h"
#include "base/encoding.h"
#include "json/secret_json.h"

namespace openkeyring {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxMessage = 300;

// "" when absent or not a string.
std::string StringOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>()
                                                   : std::string();
}

std::string EitherOf(const Json& json, const char* name, const char* other) {
  std::string value = StringOf(json, name);
  return value.empty() ? StringOf(json, other) : value;
}

std::string Printable(std::string text) {
  text.resize(std::min(text.size(), kMaxMessage));
  for (char& c : text) {
    if (c < ' ' || c >= 0x7f) c = '?';
  }
  return text;
}

// An absent member is an empty secret.
Result<Secret> TakeOptional(Secret& body, std::string_view member) {
  Result<Secret> value = TakeJsonString(body, member);
  if (!value && value.error().code() == StatusCode::kNotFound) return Secret();
  return value;
}

Status TakeSecrets(Secret& body, std::string_view token_member,
                   Credentials& credentials) {
  Result<Secret> key = TakeOptional(body, "SecretAccessKey");
  if (!key) return key.error();
  Result<Secret> token = TakeOptional(body, token_member);
  if (!token) return token.error();
  credentials.secret_access_key = std::move(*key);
  credentials.session_token = std::move(*token);
  return Status::Ok();
}

// No expiration when the answer has none; an unreadable one is an error.
Status ReadExpiration(const Json& json, Credentials& credentials) {
  const auto found = json.find("Expiration");
  if (found == json.end() || found->is_null()) return Status::Ok();
  credentials.expiration = ParseIsoTime(StringOf(json, "Expiration"));
  if (credentials.expiration) return Status::Ok();
  return {StatusCode::kCorrupt, "\"Expiration\" is not a time"};
}

}  // namespace

Result<CredentialAnswer> ReadCredentialAnswer(Secret& body,
                                              std::string_view token_member) {
  CredentialAnswer answer;
  Status status = TakeSecrets(body, token_member, answer.credentials);
  if (!status.ok()) return status;
  const std::string_view rest = body.RevealText();
  const Json json = Json::parse(rest.begin(), rest.end(), nullptr, false);
  if (!json.is_object()) {
    return Status(StatusCode::kCorrupt, "not a JSON object");
  }
  answer.credentials.access_key_id = StringOf(json, "AccessKeyId");
  answer.code = Printable(EitherOf(json, "Code", "code"));
  answer.message = Printable(EitherOf(json, "Message", "message"));
  const auto version = json.find("Version");
  if (version != json.end() && version->is_number_integer()) {
    answer.version = version->get<int>();
  }
  status = ReadExpiration(json, answer.credentials);
  if (!status.ok()) return status;
  return answer;
}

Result<Credentials> CompleteCredentials(CredentialAnswer answer,
                                        SessionToken token) {
  const Credentials& credentials = answer.credentials;
  const bool has_keys = !credentials.access_key_id.empty() &&
                        !credentials.secret_access_key.empty();
  const bool has_token =
      token == SessionToken::kOptional || !credentials.session_token.empty();
  if (has_keys && has_token) return std::move(answer.credentials);
  std::string text = has_keys
                         ? "an answer without Token"
                         : "an answer without AccessKeyId or SecretAccessKey";
  if (!answer.code.empty()) text += ": " + answer.code;
  if (!answer.message.empty()) text += ": " + answer.message;
  return Status(StatusCode::kCorrupt, text);
}

}  // namespace openkeyring
