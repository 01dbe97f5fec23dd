// SPDX-License-Identifier: MIT
#include "emulators/kms/auth.h"

#include <openssl/crypto.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "aws/sigv4.h"
#include "base/encoding.h"

namespace kms_emulator {
namespace {

using openkeyring::AmzDate;
using openkeyring::AsBytes;
using openkeyring::Secret;
using openkeyring::SignableRequest;
using openkeyring::SigningScope;
using openkeyring::WallTime;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr auto kAllowedSkew = std::chrono::minutes(5);

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.emplace_back(openkeyring::Trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Failure Incomplete(const std::string& message) {
  return Fail("IncompleteSignatureException", message);
}

Failure BadSignature(const std::string& message) {
  return Fail("InvalidSignatureException", message);
}

Outcome<void> SplitCredential(const std::string& credential,
                              AuthorizationHeader& out) {
  const std::vector<std::string> parts = Split(credential, '/');
  if (parts.size() != 5) {
    return Incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term, got '" +
        credential + "'");
  }
  if (parts[4] != kTerminator) {
    return BadSignature(
        "Credential should be scoped with a valid terminator: 'aws4_request', "
        "not '" +
        parts[4] + "'.");
  }
  out.access_key_id = parts[0];
  out.date = parts[1];
  out.region = parts[2];
  out.service = parts[3];
  return {};
}

// "yyyymmddThhmmssZ" as a time.
std::optional<WallTime> ParseAmzDate(const std::string& text) {
  tm utc{};
  const char* end = strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &utc);
  if (text.size() != 16 || end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&utc));
}

Outcome<std::string> RequestDate(const HttpMessage& request) {
  const auto date = request.Find("x-amz-date");
  if (!date) {
    return Incomplete(
        "Authorization header requires existence of either a 'X-Amz-Date' or a "
        "'Date' header. Authorization=" +
        std::string(kAlgorithm));
  }
  return std::string(*date);
}

Outcome<void> CheckDate(const std::string& date, WallTime now) {
  const auto signed_at = ParseAmzDate(date);
  if (!signed_at) {
    return Incomplete("Date must be in ISO-8601 'basic format'. Got '" + date +
                      "'. See http://en.wikipedia.org/wiki/ISO_8601");
  }
  const WallTime earliest = now - kAllowedSkew;
  if (*signed_at < earliest) {
    return BadSignature("Signature expired: " + date + " is now earlier than " +
                        AmzDate(earliest) + " (" + AmzDate(now) + " - 5 min.)");
  }
  const WallTime latest = now + kAllowedSkew;
  if (*signed_at > latest) {
    return BadSignature("Signature not yet current: " + date +
                        " is still later than " + AmzDate(latest) + " (" +
                        AmzDate(now) + " + 5 min.)");
  }
  return {};
}

Outcome<void> CheckScope(const AuthorizationHeader& header,
                         const std::string& date, const std::string& service,
                         const std::set<std::string>& regions) {
  if (header.service != service) {
    return BadSignature("Credential should be scoped to correct service: '" +
                        service + "'. ");
  }
  if (!regions.contains(header.region)) {
    return BadSignature("Credential should be scoped to a valid region. ");
  }
  if (header.date != date.substr(0, 8)) {
    return BadSignature(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
        "version "
        "of date from HTTP: '" +
        header.date + "' != '" + date.substr(0, 8) + "', from '" + date + "'.");
  }
  return {};
}

// Everything that the service relies on must be under the signature.
Outcome<void> CheckCoverage(const HttpMessage& request,
                            const std::vector<std::string>& names) {
  const auto covers = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (!covers("host")) {
    return BadSignature(
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS "
        "Authorization.");
  }
  for (const char* name : {"x-amz-date", "x-amz-security-token"}) {
    if (request.Find(name) && !covers(name)) {
      return BadSignature("'" + std::string(name) +
                          "' must be a 'SignedHeader' in the AWS "
                          "Authorization.");
    }
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> SplitQuery(
    const std::string& query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (query.empty()) return pairs;
  for (const std::string& part : Split(query, '&')) {
    const size_t equals = std::min(part.find('='), part.size());
    pairs.emplace_back(openkeyring::PercentDecode(part.substr(0, equals)),
                       openkeyring::PercentDecode(
                           part.substr(std::min(equals + 1, part.size()))));
  }
  return pairs;
}

SignableRequest Signable(const HttpMessage& request,
                         const std::vector<std::string>& names) {
  SignableRequest signable;
  signable.method = request.method;
  signable.path = request.path;
  signable.query = SplitQuery(request.query);
  for (const Header& header : request.headers) {
    const std::string name = openkeyring::AsciiLower(header.first);
    if (std::ranges::find(names, name) != names.end()) {
      signable.headers.push_back(header);
    }
  }
  signable.payload_sha256 =
      openkeyring::Sha256Hex(AsBytes(request.body)).value();
  return signable;
}

bool SameText(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Outcome<AccessKey> FindAccessKey(const KeyStore& store,
                                 const HttpMessage& request,
                                 const std::string& id, double now) {
  const Failure unknown =
      Fail("UnrecognizedClientException",
           "The security token included in the request is invalid.");
  const auto key = store.View([&](const State& state) {
    const auto found = state.access_keys.find(id);
    return found == state.access_keys.end()
               ? std::optional<AccessKey>()
               : std::optional<AccessKey>(found->second);
  });
  if (!key) return unknown;
  if (!SameText(request.Get("x-amz-security-token"), key->session_token)) {
    return unknown;
  }
  if (key->expires > 0 && key->expires <= now) {
    return Fail("ExpiredTokenException",
                "The security token included in the request is expired");
  }
  return *key;
}

Outcome<void> CheckSignature(const HttpMessage& request,
                             const AuthorizationHeader& header,
                             const std::string& date,
                             const std::string& secret) {
  const SignableRequest signable =
      Signable(request, Split(header.signed_headers, ';'));
  const SigningScope scope{header.region, header.service};
  const std::string canonical = openkeyring::CanonicalRequest(signable);
  const std::string to_sign =
      openkeyring::StringToSign(date, scope, canonical).value();
  const auto key = openkeyring::SigningKey(
      Secret::CopyOf(std::string_view(secret)), date, scope);
  // A list in another order, or one that names an absent header, is another
  // canonical request.
  if (openkeyring::SignedHeaderNames(signable) == header.signed_headers &&
      SameText(openkeyring::Signature(key.value(), to_sign).value(),
               header.signature)) {
    return {};
  }
  return BadSignature(
      "The request signature we calculated does not match the signature you "
      "provided. Check your AWS Secret Access Key and signing method. Consult "
      "the service documentation for details.\n\nThe Canonical String for this "
      "request should have been\n'" +
      canonical + "'\n\nThe String-to-Sign should have been\n'" + to_sign +
      "'\n");
}

}  // namespace

Outcome<AuthorizationHeader> ParseAuthorization(std::string_view text) {
  if (!text.starts_with(kAlgorithm)) {
    return Incomplete("Unsupported AWS 'algorithm': '" +
                      std::string(text.substr(0, text.find(' '))) + "'.");
  }
  AuthorizationHeader header;
  std::string credential;
  for (const std::string& part : Split(text.substr(kAlgorithm.size()), ',')) {
    const size_t equals = std::min(part.find('='), part.size());
    const std::string name = part.substr(0, equals);
    const std::string value = part.substr(std::min(equals + 1, part.size()));
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") header.signed_headers = value;
    if (name == "Signature") header.signature = value;
  }
  std::string missing;
  const auto require = [&](const char* name, const std::string& value) {
    if (!value.empty()) return;
    missing +=
        "Authorization header requires '" + std::string(name) + "' parameter. ";
  };
  require("Credential", credential);
  require("Signature", header.signature);
  require("SignedHeaders", header.signed_headers);
  if (!missing.empty()) {
    return Incomplete(missing + "Authorization=" + std::string(kAlgorithm));
  }
  const Outcome<void> split = SplitCredential(credential, header);
  if (!split) return Failure(split.error());
  return header;
}

Outcome<Caller> Authenticator::Verify(const HttpMessage& request,
                                      const std::string& service,
                                      WallTime now) const {
  const auto authorization = request.Find("authorization");
  if (!authorization) {
    return Fail("MissingAuthenticationTokenException",
                "Missing Authentication Token");
  }
  const auto header = ParseAuthorization(*authorization);
  if (!header) return Failure(header.error());
  const auto date = RequestDate(request);
  if (!date) return Failure(date.error());
  const double seconds =
      std::chrono::duration<double>(now.time_since_epoch()).count();
  const auto key =
      FindAccessKey(store_, request, header->access_key_id, seconds);
  if (!key) return Failure(key.error());
  Outcome<void> check = CheckDate(*date, now);
  if (check) check = CheckScope(*header, *date, service, regions_);
  if (check) {
    check = CheckCoverage(request, Split(header->signed_headers, ';'));
  }
  if (check) check = CheckSignature(request, *header, *date, key->secret);
  if (!check) return Failure(check.error());
  return Caller{key->id, key->principal, header->region, key->policy};
}

}  // namespace kms_emulator
