// SPDX-License-Identifier: MIT
#include "base/encoding.h"

#include <array>

namespace openkeyring {
namespace {

constexpr std::string_view kLowerHex = "0123456789abcdef";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<uint8_t>(kBase64[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = MakeBase64Values();

// Calls emit(char) for every character of the encoding.
template <typename Emit>
void EncodeBase64(ByteView bytes, Emit emit) {
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t group = bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) |
                           (left > 2 ? bytes[i + 2] : 0);
    emit(kBase64[group >> 18 & 63]);
    emit(kBase64[group >> 12 & 63]);
    emit(left > 1 ? kBase64[group >> 6 & 63] : '=');
    emit(left > 2 ? kBase64[group & 63] : '=');
  }
}

// The decoded size, or an error when length or padding cannot be right.
Result<size_t> Base64DecodedSize(std::string_view text) {
  if (text.size() % 4 != 0) {
    return Status(StatusCode::kInvalidArgument,
                  "base64 text whose length is not a multiple of four");
  }
  size_t padding = 0;
  while (padding < 2 && padding < text.size() &&
         text[text.size() - 1 - padding] == '=') {
    ++padding;
  }
  return text.size() / 4 * 3 - padding;
}

// Fills `out`, whose size is Base64DecodedSize(text).
Status DecodeBase64(std::string_view text, std::span<uint8_t> out) {
  const Status bad(StatusCode::kInvalidArgument, "text that is not base64");
  const size_t digits = (out.size() * 8 + 5) / 6;
  uint32_t bits = 0;
  int count = 0;
  size_t written = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int value = kBase64Values[static_cast<uint8_t>(text[i])];
    if (value < 0) return bad;
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out[written++] = static_cast<uint8_t>(bits >> count);
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) return bad;
  return Status::Ok();
}

}  // namespace

std::string HexEncode(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kLowerHex[byte >> 4];
    text += kLowerHex[byte & 15];
  }
  return text;
}

Result<Bytes> HexDecode(std::string_view text) {
  const Status bad(StatusCode::kInvalidArgument, "text that is not hex");
  if (text.size() % 2 != 0) return bad;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]), low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return bad;
    bytes.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::string Base64Encode(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  EncodeBase64(bytes, [&](char c) { text += c; });
  return text;
}

void Base64EncodeTo(const Secret& secret, Secret& out) {
  EncodeBase64(secret.RevealBytes(),
               [&](char c) { out.Append(std::string_view(&c, 1)); });
}

Result<Bytes> Base64Decode(std::string_view text) {
  Result<size_t> size = Base64DecodedSize(text);
  if (!size) return size.error();
  Bytes bytes(*size);
  Status status = DecodeBase64(text, bytes);
  if (!status.ok()) return status;
  return bytes;
}

Result<Secret> Base64DecodeSecret(std::string_view text) {
  Result<size_t> size = Base64DecodedSize(text);
  if (!size) return size.error();
  Secret secret(*size);
  Status status = DecodeBase64(text, secret.RevealMutable());
  if (!status.ok()) return status;
  return secret;
}

std::string PercentEncode(std::string_view text, bool keep_slash) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~' || (keep_slash && c == '/');
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kUpperHex[static_cast<uint8_t>(c) >> 4];
      encoded += kUpperHex[static_cast<uint8_t>(c) & 15];
    }
  }
  return encoded;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (text[i] == '%' && high >= 0 && low >= 0) {
      plain += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      plain += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return plain;
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i++]);
    if (first < 0x80) continue;
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t code = first & (0x3f >> more);
    for (int k = 0; k < more; ++k, ++i) {
      if (i == text.size() || (text[i] & 0xc0) != 0x80) return false;
      code = code << 6 | (text[i] & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (first < 0xc0 || first > 0xf4 || code < kLeast[more] || surrogate ||
        code > 0x10ffff) {
      return false;
    }
  }
  return true;
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace openkeyring
