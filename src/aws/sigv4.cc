// SPDX-License-Identifier: MIT
#include "aws/sigv4.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "net/url.h"

namespace openkeyring {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

Result<Secret> Hmac(const Secret& key, std::string_view data) {
  const Result<Digest256> digest = HmacSha256(key, AsBytes(data));
  if (!digest) return digest.error();
  return Secret::CopyOf(ByteView(*digest));
}

// Trimmed, inner runs of whitespace made one.
std::string FoldBlanks(std::string_view value) {
  std::string folded;
  for (const char c : Trim(value)) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!space) {
      folded += c;
    } else if (!folded.ends_with(' ')) {
      folded += ' ';
    }
  }
  return folded;
}

std::map<std::string, std::string> CanonicalHeaders(
    const std::vector<Header>& headers) {
  std::map<std::string, std::string> canonical;
  for (const Header& header : headers) {
    const auto [place, is_new] =
        canonical.emplace(AsciiLower(Trim(header.first)), "");
    if (!is_new) place->second += ',';
    place->second += FoldBlanks(header.second);
  }
  return canonical;
}

std::string CanonicalQuery(
    const std::vector<std::pair<std::string, std::string>>& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(PercentEncode(name), PercentEncode(value));
  }
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text += name + "=" + value;
  }
  return text;
}

// RFC 3986 5.2.4 and empty segments removed, then encoded once more.
std::string CanonicalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    start = end + 1;
  }
  std::string normal;
  for (const std::string_view segment : segments) {
    normal += "/" + PercentEncode(segment);
  }
  if (normal.empty() || path.ends_with('/')) normal += '/';
  return normal;
}

// "a=1&b" as pairs, percent-decoded.
std::vector<std::pair<std::string, std::string>> SplitQuery(
    std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view value =
        part.substr(std::min(equals + 1, part.size()));
    pairs.emplace_back(PercentDecode(part.substr(0, equals)),
                       PercentDecode(value));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
  }
  return pairs;
}

}  // namespace

Result<std::string> Sha256Hex(ByteView bytes) {
  const Result<Digest256> digest = Sha256(bytes);
  if (!digest) return digest.error();
  return HexEncode(*digest);
}

std::string AmzDate(WallTime time) { return UtcText(time, "%Y%m%dT%H%M%SZ"); }

std::string SignedHeaderNames(const SignableRequest& request) {
  std::string names;
  for (const auto& [name, value] : CanonicalHeaders(request.headers)) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string CanonicalRequest(const SignableRequest& request) {
  std::string text = request.method + "\n" + CanonicalPath(request.path) +
                     "\n" + CanonicalQuery(request.query) + "\n";
  for (const auto& [name, value] : CanonicalHeaders(request.headers)) {
    text += name + ":" + value + "\n";
  }
  return text + "\n" + SignedHeaderNames(request) + "\n" +
         request.payload_sha256;
}

std::string CredentialScope(std::string_view amz_date,
                            const SigningScope& scope) {
  return std::string(amz_date.substr(0, 8)) + "/" + scope.region + "/" +
         scope.service + "/" + std::string(kTerminator);
}

Result<std::string> StringToSign(std::string_view amz_date,
                                 const SigningScope& scope,
                                 std::string_view canonical_request) {
  const Result<std::string> digest = Sha256Hex(AsBytes(canonical_request));
  if (!digest) return digest.error();
  return std::string(kAlgorithm) + "\n" + std::string(amz_date) + "\n" +
         CredentialScope(amz_date, scope) + "\n" + *digest;
}

Result<Secret> SigningKey(const Secret& secret_access_key,
                          std::string_view amz_date,
                          const SigningScope& scope) {
  Secret key = Secret::CopyOf(std::string_view("AWS4"));
  key.Append(secret_access_key.RevealBytes());
  for (const std::string_view part :
       {amz_date.substr(0, 8), std::string_view(scope.region),
        std::string_view(scope.service), kTerminator}) {
    Result<Secret> next = Hmac(key, part);
    if (!next) return next;
    key = std::move(*next);
  }
  return key;
}

Result<std::string> Signature(const Secret& signing_key,
                              std::string_view string_to_sign) {
  const Result<Secret> digest = Hmac(signing_key, string_to_sign);
  if (!digest) return digest.error();
  return HexEncode(digest->RevealBytes());
}

Status SignRequest(HttpRequest& request, const Credentials& credentials,
                   const SigningScope& scope, WallTime now) {
  Result<Url> url = ParseUrl(request.url);
  if (!url) return url.error();
  const std::string date = AmzDate(now);
  request.headers.emplace_back("Host", url->HostHeader());
  request.headers.emplace_back("X-Amz-Date", date);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("X-Amz-Security-Token",
                                 credentials.session_token.RevealText());
  }
  Result<std::string> payload = Sha256Hex(request.body.RevealBytes());
  if (!payload) return payload.error();
  const SignableRequest signable{request.method, url->path,
                                 SplitQuery(url->query), request.headers,
                                 std::move(*payload)};
  const Result<Secret> key =
      SigningKey(credentials.secret_access_key, date, scope);
  if (!key) return key.error();
  const Result<std::string> text =
      StringToSign(date, scope, CanonicalRequest(signable));
  if (!text) return text.error();
  const Result<std::string> signature = Signature(*key, *text);
  if (!signature) return signature.error();
  request.headers.emplace_back(
      "Authorization",
      std::string(kAlgorithm) + " Credential=" + credentials.access_key_id +
          "/" + CredentialScope(date, scope) + ", SignedHeaders=" +
          SignedHeaderNames(signable) + ", Signature=" + *signature);
  return Status::Ok();
}

}  // namespace openkeyring
