// SPDX-License-Identifier: MIT
#include "net/url.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/encoding.h"
#include "net/endpoint.h"

namespace openkeyring {
namespace {

// Up to an "@" there may be a password, which no message may hold.
Status Bad(std::string_view text, const char* why) {
  const size_t at = text.rfind('@');
  const std::string shown = at == std::string_view::npos
                                ? std::string(text)
                                : "..." + std::string(text.substr(at));
  return {StatusCode::kInvalidArgument,
          "\"" + shown + "\" is not a usable URL: " + why};
}

bool IsHostName(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// Splits "host", "host:port", "[v6]" or "[v6]:port".
Status ParseAuthority(std::string_view text, std::string_view authority,
                      Url& url) {
  size_t end;
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos) return Bad(text, "a [ without a ]");
    url.host = AsciiLower(authority.substr(1, end - 1));
    if (!IsIpv6(url.host)) return Bad(text, "no IPv6 address in brackets");
    ++end;
  } else {
    end = std::min(authority.find(':'), authority.size());
    url.host = AsciiLower(authority.substr(0, end));
    if (!IsHostName(url.host)) {
      return Bad(text, "a host name has letters, digits, - . and _ only");
    }
  }
  if (url.host.empty()) return Bad(text, "it names no host");
  url.port = url.scheme == "https" ? 443 : 80;
  std::string_view rest = authority.substr(end);
  if (rest.empty()) return Status::Ok();
  if (rest[0] != ':') return Bad(text, "text after the host");
  rest.remove_prefix(1);
  const Result<int> port = ParsePort(rest);
  if (!port) return Bad(text, port.error().message().c_str());
  url.port = *port;
  return Status::Ok();
}

}  // namespace

std::string Url::HostHeader() const {
  std::string header = BracketedHost(host);
  const int usual = scheme == "https" ? 443 : 80;
  if (port != usual) header += ":" + std::to_string(port);
  return header;
}

std::string Url::ToString() const {
  std::string text = scheme + "://" + HostHeader() + path;
  if (!query.empty()) text += "?" + query;
  return text;
}

bool Url::IsLoopback() const {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1") {
    return true;
  }
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         host.starts_with("127.");
}

Result<Url> ParseUrl(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' ||
        c == '\\' || c == '^' || c == '`' || c == '{' || c == '|' || c == '}') {
      return Bad(text, "whitespace or a character that must be encoded");
    }
  }
  Url url;
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return Bad(text, "it must start with https:// or http://");
  }
  url.scheme = AsciiLower(text.substr(0, colon));
  if (url.scheme != "https" && url.scheme != "http") {
    return Bad(text, "the scheme must be https or http");
  }
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return Bad(text, "user names and passwords do not belong in it");
  }
  Status status = ParseAuthority(text, authority, url);
  if (!status.ok()) return status;
  rest = rest.substr(end);
  const size_t question = std::min(rest.find('?'), rest.size());
  url.path = std::string(rest.substr(0, question));
  if (url.path.empty()) url.path = "/";
  if (question < rest.size()) url.query = rest.substr(question + 1);
  return url;
}

}  // namespace openkeyring
