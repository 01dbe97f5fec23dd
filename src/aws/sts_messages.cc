// SPDX-License-Identifier: MIT
#include "aws/sts_messages.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "aws/arn.h"
#include "aws/values.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

// Percent-encoding, a character at a time so that no copy of the whole is made.
void AppendEncoded(std::string_view text, Secret& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    out.Append(std::string_view(PercentEncode(text.substr(i, 1))));
  }
}

void AppendField(std::string_view name, std::string_view value, Secret& out) {
  if (!out.empty()) out.Append(std::string_view("&"));
  out.Append(name);
  out.Append(std::string_view("="));
  AppendEncoded(value, out);
}

Secret WriteCommon(std::string_view action, const RoleRequest& role) {
  Secret body;
  AppendField("Action", action, body);
  AppendField("Version", "2011-06-15", body);
  AppendField("RoleArn", role.role_arn, body);
  AppendField("RoleSessionName", role.session_name, body);
  if (role.duration_seconds) {
    AppendField("DurationSeconds", std::to_string(*role.duration_seconds),
                body);
  }
  return body;
}

Status Corrupt(std::string_view what) {
  return {StatusCode::kCorrupt,
          "the answer of STS has no " + std::string(what)};
}

// What stands between <name> and </name>; nothing when either is missing.
std::optional<std::string_view> Element(std::string_view xml,
                                        const std::string& name) {
  const std::string open = "<" + name + ">", close = "</" + name + ">";
  size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  begin += open.size();
  const size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  return Trim(xml.substr(begin, end - begin));
}

struct Entity {
  std::string_view name, meaning;
};
constexpr std::array<Entity, 5> kEntities = {Entity{"amp", "&"},
                                             {"lt", "<"},
                                             {"gt", ">"},
                                             {"quot", "\""},
                                             {"apos", "'"}};

// The meaning of "&name;" or of an ASCII "&#...;"; nothing for others.
std::optional<char> MeaningOf(std::string_view name) {
  for (const Entity& entity : kEntities) {
    if (entity.name == name) return entity.meaning[0];
  }
  if (!name.starts_with('#')) return std::nullopt;
  name.remove_prefix(1);
  const int base = name.starts_with('x') ? 16 : 10;
  if (base == 16) name.remove_prefix(1);
  int code = 0;
  const auto [stop, error] =
      std::from_chars(name.data(), name.data() + name.size(), code, base);
  if (error != std::errc() || stop != name.data() + name.size() || code < 1 ||
      code > 127) {
    return std::nullopt;
  }
  return static_cast<char>(code);
}

// Character data without entities. Nothing when it is not well-formed.
std::optional<Secret> Decode(std::string_view text) {
  Secret out;
  while (!text.empty()) {
    const size_t plain = std::min(text.find_first_of("&<"), text.size());
    out.Append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const size_t end = text.find(';');
    if (text[0] == '<' || end == std::string_view::npos) return std::nullopt;
    const std::optional<char> meaning = MeaningOf(text.substr(1, end - 1));
    if (!meaning) return std::nullopt;
    out.Append(std::string_view(&*meaning, 1));
    text.remove_prefix(end + 1);
  }
  return out;
}

std::optional<Secret> DecodedElement(std::string_view xml, const char* name) {
  const std::optional<std::string_view> text = Element(xml, name);
  if (!text || text->empty()) return std::nullopt;
  return Decode(*text);
}

}  // namespace

Status CheckRoleRequest(const RoleRequest& role) {
  const Result<Arn> arn = ParseArn(role.role_arn);
  if (!arn || (arn->service != "iam" && arn->service != "sts")) {
    return {StatusCode::kMisconfigured, "\"" + role.role_arn +
                                            "\" is not the ARN of a role "
                                            "(arn:aws:iam::ACCOUNT:role/NAME)"};
  }
  const std::string& name = role.session_name;
  const bool fits =
      name.size() >= 2 && name.size() <= 64 &&
      std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c >= '0' && c <= '9') ||
               std::string_view("_+=,.@-").find(c) != std::string_view::npos;
      });
  if (fits) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "\"" + name +
              "\" is not a role session name (2 to 64 of A-Z a-z 0-9 _+=,.@-)"};
}

Secret WriteAssumeRole(const RoleRequest& role) {
  Secret body = WriteCommon("AssumeRole", role);
  if (!role.external_id.empty()) {
    AppendField("ExternalId", role.external_id, body);
  }
  return body;
}

Secret WriteAssumeRoleWithWebIdentity(const RoleRequest& role,
                                      const Secret& token) {
  Secret body = WriteCommon("AssumeRoleWithWebIdentity", role);
  AppendField("WebIdentityToken", token.RevealText(), body);
  return body;
}

Result<Credentials> ReadAssumedRole(const Secret& body) {
  const auto xml = Element(body.RevealText(), "Credentials");
  if (!xml) return Corrupt("Credentials");
  const std::optional<Secret> id = DecodedElement(*xml, "AccessKeyId");
  std::optional<Secret> key = DecodedElement(*xml, "SecretAccessKey");
  std::optional<Secret> token = DecodedElement(*xml, "SessionToken");
  if (!id) return Corrupt("valid AccessKeyId");
  if (!key) return Corrupt("valid SecretAccessKey");
  if (!token) return Corrupt("valid SessionToken");
  const auto expiration =
      ParseIsoTime(Element(*xml, "Expiration").value_or(""));
  if (!expiration) return Corrupt("valid Expiration");
  return Credentials{std::string(id->RevealText()), std::move(*key),
                     std::move(*token), expiration};
}

}  // namespace openkeyring
