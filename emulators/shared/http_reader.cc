// SPDX-License-Identifier: MIT
#include "emulators/shared/http_reader.h"

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"

namespace emulators {
namespace {

constexpr size_t kMaxHead = 64 << 10;
constexpr size_t kMaxBody = 4 << 20;
constexpr size_t kMaxChunkLine = 64;
constexpr int kGone = -1;  // The client left in the middle.

bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
  });
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.size() <= 9 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "http://host/path" (as for proxies) becomes "/path".
std::string_view WithoutAuthority(std::string_view target) {
  if (!target.starts_with("http://") && !target.starts_with("https://")) {
    return target;
  }
  const size_t slash = target.find('/', target.find("://") + 3);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

int ParseRequestLine(std::string_view line, HttpMessage& request) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return 505;
  request.http_1_0 = version == "HTTP/1.0";
  request.method = line.substr(0, first);
  const std::string_view target =
      WithoutAuthority(line.substr(first + 1, last - first - 1));
  if (!IsToken(request.method) || !target.starts_with('/') ||
      target.find(' ') != std::string_view::npos) {
    return 400;
  }
  const size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  return 0;
}

int ParseHeaderLine(std::string_view line, HttpMessage& request) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    return 400;
  }
  request.headers.emplace_back(line.substr(0, colon),
                               openkeyring::Trim(line.substr(colon + 1)));
  return 0;
}

int CheckFraming(const HttpMessage& request) {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  for (const Header& header : request.headers) {
    const std::string name = openkeyring::AsciiLower(header.first);
    hosts += name == "host";
    lengths += name == "content-length";
    encodings += name == "transfer-encoding";
  }
  if (hosts > 1 || (hosts == 0 && !request.http_1_0)) return 400;
  return lengths + encodings > 1 ? 400 : 0;
}

}  // namespace

int ParseHead(std::string_view head, HttpMessage& request) {
  bool first = true;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const int refusal = first ? ParseRequestLine(line, request)
                              : ParseHeaderLine(line, request);
    if (refusal != 0) return refusal;
    first = false;
    head.remove_prefix(std::min(line.size() + 2, head.size()));
  }
  return first ? 400 : CheckFraming(request);
}

bool HttpReader::Fill() {
  char chunk[16384];
  const ssize_t n = stream_.Read(chunk, sizeof chunk);
  if (n <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(n));
  return true;
}

std::optional<std::string> HttpReader::TakeUntil(std::string_view delimiter,
                                                 size_t max) {
  size_t end;
  while ((end = buffer_.find(delimiter)) == std::string::npos) {
    if (buffer_.size() > max || !Fill()) return std::nullopt;
  }
  std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end + delimiter.size());
  return text;
}

std::optional<std::string> HttpReader::TakeBytes(size_t size) {
  while (buffer_.size() < size) {
    if (!Fill()) return std::nullopt;
  }
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return bytes;
}

HttpReader::Incoming HttpReader::Next() {
  while (buffer_.starts_with("\r\n")) buffer_.erase(0, 2);
  const auto head = TakeUntil("\r\n\r\n", kMaxHead);
  if (!head) return {std::nullopt, buffer_.size() > kMaxHead ? 431 : 0};
  HttpMessage request;
  int refusal = ParseHead(*head, request);
  if (refusal == 0) refusal = ReadBody(request);
  if (refusal == kGone) return {};
  if (refusal != 0) return {std::nullopt, refusal};
  return {std::move(request), 0};
}

int HttpReader::ReadBody(HttpMessage& request) {
  if (openkeyring::AsciiLower(request.Get("expect")) == "100-continue" &&
      buffer_.empty() && !stream_.Write("HTTP/1.1 100 Continue\r\n\r\n")) {
    return kGone;
  }
  if (request.Find("transfer-encoding")) {
    const std::string coding =
        openkeyring::AsciiLower(request.Get("transfer-encoding"));
    return coding == "chunked" ? ReadChunks(request) : 501;
  }
  const auto length = request.Find("content-length");
  return length ? ReadSized(std::string(*length), request) : 0;
}

int HttpReader::ReadSized(const std::string& length, HttpMessage& request) {
  if (!IsDigits(length)) return 400;
  const size_t size = std::strtoul(length.c_str(), nullptr, 10);
  if (size > kMaxBody) return 413;
  auto body = TakeBytes(size);
  if (!body) return kGone;
  request.body = std::move(*body);
  return 0;
}

int HttpReader::ReadChunks(HttpMessage& request) {
  for (;;) {
    const auto line = TakeUntil("\r\n", kMaxChunkLine);
    if (!line) return kGone;
    char* end = nullptr;
    const size_t size = std::strtoul(line->c_str(), &end, 16);
    if (end == line->c_str() || (*end != '\0' && *end != ';')) return 400;
    if (request.body.size() + size > kMaxBody) return 413;
    const auto chunk = TakeBytes(size);
    if (!chunk) return kGone;
    request.body += *chunk;
    const auto rest = TakeUntil("\r\n", kMaxChunkLine);
    if (!rest) return kGone;
    if (!rest->empty()) return 400;
    if (size == 0) return 0;
  }
}

}  // namespace emulators
