// SPDX-License-Identifier: MIT
#include "aws/values.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

#include "aws/sigv4.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxAccessKeyId = 256;
constexpr size_t kMaxSecretAccessKey = 1024;
constexpr size_t kMaxSessionToken = 65536;
constexpr int kLastYear = 2200;
constexpr WallTime kLastTime =
    std::chrono::sys_days(std::chrono::year(kLastYear + 1) /
                          std::chrono::January / 1) -
    std::chrono::seconds(1);

// Takes `digits` digits off the front of the text. False when it has fewer.
bool TakeDigits(std::string_view& text, size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// "Z", "+hh:mm", "-hhmm" or nothing, to the end of the text.
std::optional<std::chrono::minutes> ParseOffset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z")
    return std::chrono::minutes(0);
  const int sign = text[0] == '-' ? -1 : 1;
  int hours = 0, minutes = 0;
  if (!TakeChar(text, "+-") || !TakeDigits(text, 2, hours)) return std::nullopt;
  TakeChar(text, ":");
  if (!TakeDigits(text, 2, minutes) || !text.empty() || hours > 23 ||
      minutes > 59) {
    return std::nullopt;
  }
  return sign * (std::chrono::hours(hours) + std::chrono::minutes(minutes));
}

bool IsVisible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

Status BadValue(const char* what) {
  return {StatusCode::kMisconfigured,
          std::string(what) +
              " is empty, too long or has characters that none has"};
}

}  // namespace

std::optional<WallTime> ParseIsoTime(std::string_view text) {
  text = Trim(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shaped = TakeDigits(text, 4, year) && TakeChar(text, "-") &&
                      TakeDigits(text, 2, month) && TakeChar(text, "-") &&
                      TakeDigits(text, 2, day) && TakeChar(text, "Tt ") &&
                      TakeDigits(text, 2, hour) && TakeChar(text, ":") &&
                      TakeDigits(text, 2, minute) && TakeChar(text, ":") &&
                      TakeDigits(text, 2, second);
  if (!shaped || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  if (TakeChar(text, ".,")) {
    text.remove_prefix(
        std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  const std::optional<std::chrono::minutes> offset = ParseOffset(text);
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  if (!offset || !date.ok() || year < 1970) return std::nullopt;
  // WallTime counts nanoseconds: it ends in 2262.
  if (year > kLastYear) return kLastTime;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) - *offset;
}

std::string IsoTime(WallTime time) {
  std::string text = AmzDate(time);  // "yyyymmddThhmmssZ"
  for (const size_t place : {4, 7}) text.insert(place, "-");
  for (const size_t place : {13, 16}) text.insert(place, ":");
  return text;
}

Result<bool> ParseBool(std::string_view text, std::string_view origin) {
  const std::string lower = AsciiLower(Trim(text));
  if (lower == "true" || lower == "false") return lower == "true";
  return Status(StatusCode::kMisconfigured,
                std::string(origin) + " must be true or false, not \"" +
                    std::string(text) + "\"");
}

Result<int> ParseNumber(std::string_view text, int least, int most,
                        std::string_view origin) {
  const std::string_view digits = Trim(text);
  int value = 0;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && stop == digits.data() + digits.size() &&
      value >= least && value <= most) {
    return value;
  }
  return Status(StatusCode::kMisconfigured,
                std::string(origin) + " must be a whole number from " +
                    std::to_string(least) + " to " + std::to_string(most) +
                    ", not \"" + std::string(text) + "\"");
}

Secret TakeSecret(std::string value) {
  Secret secret = Secret::CopyOf(std::string_view(value));
  OPENSSL_cleanse(value.data(), value.size());
  return secret;
}

Status CheckCredentials(const Credentials& credentials) {
  const std::string& id = credentials.access_key_id;
  const std::string_view key = credentials.secret_access_key.RevealText();
  const std::string_view token = credentials.session_token.RevealText();
  if (id.empty() || id.size() > kMaxAccessKeyId || !IsVisible(id)) {
    return BadValue("the access key id");
  }
  if (key.empty() || key.size() > kMaxSecretAccessKey || !IsVisible(key)) {
    return BadValue("the secret access key");
  }
  if (token.size() > kMaxSessionToken || !IsVisible(token)) {
    return BadValue("the session token");
  }
  return Status::Ok();
}

}  // namespace openkeyring
