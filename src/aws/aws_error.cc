// SPDX-License-Identifier: MIT
#include "aws/aws_error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxMessage = 400;

// One line of printable ASCII, cut to a size that a log line can take.
std::string Printable(std::string_view text) {
  std::string clean;
  for (const char c : Trim(text)) {
    const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (space && (clean.empty() || clean.back() == ' ')) continue;
    clean += space ? ' ' : (c > ' ' && c < 0x7f) ? c : '?';
    if (clean.size() <= kMaxMessage) continue;
    return clean.substr(0, kMaxMessage - 3) + "...";
  }
  return clean;
}

// "ns#ThrottlingException:http://..." -> "ThrottlingException"
std::string BareCode(std::string_view code) {
  code = code.substr(0, code.find(':'));
  const size_t hash = code.rfind('#');
  if (hash != std::string_view::npos) code = code.substr(hash + 1);
  return Printable(code);
}

std::string StringMember(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

void ReadJson(std::string_view body, AwsError& error) {
  // In what is not an object, find() finds nothing.
  const nlohmann::json json =
      nlohmann::json::parse(body.begin(), body.end(), nullptr, false);
  for (const char* name : {"__type", "code", "Code"}) {
    if (error.code.empty()) error.code = BareCode(StringMember(json, name));
  }
  for (const char* name : {"message", "Message", "errorMessage"}) {
    if (error.message.empty()) {
      error.message = Printable(StringMember(json, name));
    }
  }
}

// The text between <name> and </name>, which is all that AWS's errors need.
std::string_view XmlText(std::string_view body, const std::string& name) {
  const std::string open = "<" + name + ">", close = "</" + name + ">";
  const size_t start = body.find(open);
  if (start == std::string_view::npos) return {};
  const size_t end = body.find(close, start);
  if (end == std::string_view::npos) return {};
  return body.substr(start + open.size(), end - start - open.size());
}

std::string WithoutTags(std::string_view html) {
  std::string text;
  bool in_tag = false;
  for (const char c : html.substr(0, 8 * kMaxMessage)) {
    if (c == '<') in_tag = true;
    if (!in_tag) text += c;
    if (c == '>') {
      in_tag = false;
      text += ' ';
    }
  }
  return Printable(text);
}

void ReadBody(std::string_view body, AwsError& error) {
  body = Trim(body);
  if (body.starts_with('{')) return ReadJson(body, error);
  const std::string_view code = XmlText(body, "Code");
  if (!code.empty()) {
    error.code = BareCode(code);
    error.message = Printable(XmlText(body, "Message"));
    if (error.request_id.empty()) {
      error.request_id = Printable(XmlText(body, "RequestId"));
    }
  } else if (!body.empty()) {
    const std::string text = WithoutTags(body);
    error.message = Printable("an answer that is not from AWS: \"" +
                              (text.empty() ? Printable(body) : text) + "\"");
  }
}

struct Rule {
  std::string_view code;
  AwsErrorClass error_class;
};

constexpr AwsErrorClass Throttled() {
  return {StatusCode::kThrottled,
          true,
          false,
          false,
          "the request rate of the account is exhausted",
          true};
}
constexpr AwsErrorClass Faulted() {
  return {StatusCode::kUnavailable, true, false, false, ""};
}
// STS could not ask the identity provider, or asked it too early for a token
// that was just made.
constexpr AwsErrorClass ProviderFaulted(StatusCode code) {
  return {code, true, false, false, "", false, 3};
}
constexpr AwsErrorClass Final(StatusCode code, std::string_view advice) {
  return {code, false, false, false, advice};
}
constexpr AwsErrorClass StaleCredentials(std::string_view advice) {
  return {StatusCode::kDenied, false, true, false, advice};
}
constexpr AwsErrorClass Skewed() {
  return {StatusCode::kDenied, false, true, true,
          "check the secret access key and this machine's clock"};
}

constexpr std::string_view kDamagedAdvice =
    "the stored blob is damaged, or belongs to another key id, version or KMS "
    "key: restore the file from a backup";

constexpr std::array kRules = {
    Rule{"AccessDeniedException",
         Final(StatusCode::kDenied,
               "allow the operation for this identity in its IAM policy and in "
               "the policy of the KMS key")},
    Rule{"AccessDenied",
         Final(StatusCode::kDenied, "allow the action for this identity")},
    Rule{"NotFoundException",
         Final(StatusCode::kMisconfigured,
               "there is no such KMS key in this region and account: check the "
               "key id and the region")},
    Rule{"InvalidArnException",
         Final(StatusCode::kMisconfigured, "check the key id and the region")},
    Rule{"DisabledException", Final(StatusCode::kDenied, "enable the KMS key")},
    Rule{"KMSInvalidStateException",
         Final(StatusCode::kDenied,
               "the KMS key is pending deletion or otherwise unusable: cancel "
               "its deletion, finish its import or connect its key store")},
    Rule{"InvalidCiphertextException",
         Final(StatusCode::kCorrupt, kDamagedAdvice)},
    Rule{"IncorrectKeyException", Final(StatusCode::kCorrupt, kDamagedAdvice)},
    Rule{"InvalidKeyUsageException",
         Final(StatusCode::kMisconfigured,
               "use a symmetric KMS key for encryption and decryption")},
    Rule{"InvalidGrantTokenException", Final(StatusCode::kDenied, "")},
    Rule{"UnsupportedOperationException",
         Final(StatusCode::kMisconfigured, "use another KMS key")},
    Rule{"ValidationException", Final(StatusCode::kInvalidArgument, "")},
    // Of RotateKeyOnDemand; the SDKs' lists have it as throttling, for services
    // whose limits are rates.
    Rule{"LimitExceededException",
         Final(StatusCode::kDenied, "a quota of AWS KMS is used up")},
    Rule{"OptInRequired",
         Final(StatusCode::kDenied, "enable the region for the account")},
    Rule{"UnrecognizedClientException",
         StaleCredentials("AWS does not know this access key: check the "
                          "credentials and the region's partition")},
    Rule{"InvalidClientTokenId",
         StaleCredentials("AWS does not know this access key")},
    Rule{"ExpiredTokenException",
         StaleCredentials("the session token has expired: renew it")},
    Rule{"ExpiredToken",
         StaleCredentials("the session token has expired: renew it")},
    Rule{"InvalidSignatureException", Skewed()},
    Rule{"SignatureDoesNotMatch", Skewed()},
    Rule{"RequestExpired", Skewed()},
    Rule{"RequestTimeTooSkewed", Skewed()},
    Rule{"RequestInTheFuture", Skewed()},
    Rule{"AuthFailure", Skewed()},
    Rule{"MissingAuthenticationTokenException",
         Final(StatusCode::kDenied, "something on the way removes headers")},
    Rule{"MissingAuthenticationToken",
         Final(StatusCode::kDenied, "something on the way removes headers")},
    Rule{"IncompleteSignatureException",
         Final(StatusCode::kDenied, "something on the way changes headers")},
    Rule{"IncompleteSignature",
         Final(StatusCode::kDenied, "something on the way changes headers")},
    Rule{"DependencyTimeoutException", Faulted()},
    Rule{"KMSInternalException", Faulted()},
    Rule{"KeyUnavailableException", Faulted()},
    Rule{"InternalFailure", Faulted()},
    Rule{"ServiceUnavailable", Faulted()},
    Rule{"RequestTimeout", Faulted()},
    Rule{"RequestTimeoutException", Faulted()},
    Rule{"PriorRequestNotComplete", Faulted()},
    Rule{"IDPCommunicationError", ProviderFaulted(StatusCode::kUnavailable)},
    Rule{"IDPCommunicationErrorException",
         ProviderFaulted(StatusCode::kUnavailable)},
    Rule{"InvalidIdentityToken", ProviderFaulted(StatusCode::kDenied)},
    Rule{"InvalidIdentityTokenException", ProviderFaulted(StatusCode::kDenied)},
    Rule{"Throttling", Throttled()},
    Rule{"ThrottlingException", Throttled()},
    Rule{"ThrottledException", Throttled()},
    Rule{"RequestThrottled", Throttled()},
    Rule{"RequestThrottledException", Throttled()},
    Rule{"TooManyRequestsException", Throttled()},
    Rule{"ProvisionedThroughputExceededException", Throttled()},
    Rule{"TransactionInProgressException", Throttled()},
    Rule{"RequestLimitExceeded", Throttled()},
    Rule{"BandwidthLimitExceeded", Throttled()},
    Rule{"SlowDown", Throttled()},
    Rule{"EC2ThrottledException", Throttled()},
};

// "Credential should be scoped to a valid region, not 'us-east-1'." and
// "Credential should be scoped to correct service: 'kms'.": neither the secret
// nor the clock is wrong.
bool IsAboutScope(const AwsError& error) {
  return (error.code == "InvalidSignatureException" ||
          error.code == "SignatureDoesNotMatch") &&
         AsciiLower(error.message).find("should be scoped to") !=
             std::string::npos;
}

// What KMS says, by the code of an unusable key, of a key in an external key
// store (XKS): there the message alone tells whether the store could not be
// reached or refused. Nothing for other errors.
std::optional<AwsErrorClass> ClassOfExternalKeyStore(const AwsError& error) {
  const std::string text = AsciiLower(error.message);
  const auto says = [&](std::string_view words) {
    return text.find(words) != std::string::npos;
  };
  if (error.code != "KMSInvalidStateException" ||
      !says("external key store proxy")) {
    return std::nullopt;
  }
  if (says("request rate")) {
    AwsErrorClass throttled = Throttled();
    throttled.advice = "the external key store is at its limit";
    return throttled;
  }
  if (says("proxy rejected") || says("proxy denied") || says("ciphertext")) {
    return Final(StatusCode::kDenied,
                 "the external key store of the KMS key refuses: see its proxy "
                 "and its key manager");
  }
  AwsErrorClass away = Faulted();
  away.advice =
      "the external key store of the KMS key does not answer: see its proxy "
      "and its key manager";
  return away;
}

std::optional<Millis> ParseMillis(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [stop, error] =
      std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  return Millis(value);
}

}  // namespace

AwsError ParseAwsError(const HttpResponse& response) {
  AwsError error;
  error.http_status = response.status;
  error.code = BareCode(response.FindHeader("x-amzn-errortype").value_or(""));
  error.request_id =
      Printable(response.FindHeader("x-amzn-requestid").value_or(""));
  error.date = ParseHttpDate(response.FindHeader("date").value_or(""));
  error.retry_after = ParseMillis(response.FindHeader("x-amz-retry-after"));
  ReadBody(response.body.RevealText(), error);
  if (error.message.empty()) error.message = "no explanation was given";
  return error;
}

AwsErrorClass ClassifyAwsError(const AwsError& error) {
  if (IsAboutScope(error)) {
    return Final(StatusCode::kMisconfigured,
                 "the request was signed for another region or service than "
                 "this endpoint's: check the region and the endpoint URL");
  }
  if (const auto of_store = ClassOfExternalKeyStore(error)) return *of_store;
  for (const Rule& rule : kRules) {
    if (rule.code == error.code) return rule.error_class;
  }
  if (error.http_status == 429) return Throttled();
  if (error.http_status >= 500) return Faulted();
  if (error.code.empty()) {
    return Final(StatusCode::kUnavailable,
                 "is there a proxy or another server in between?");
  }
  return Final(StatusCode::kDenied, "");
}

std::optional<WrappingKeyState> KeyStateOf(const AwsError& error) {
  if (error.code == "AccessDeniedException") return WrappingKeyState::kDenied;
  if (error.code == "DisabledException") return WrappingKeyState::kDisabled;
  if (error.code == "NotFoundException") return WrappingKeyState::kMissing;
  if (error.code == "KMSInvalidStateException" &&
      !ClassifyAwsError(error).retry) {
    return WrappingKeyState::kUnusable;
  }
  return std::nullopt;
}

Status AwsErrorStatus(std::string_view operation, const AwsError& error) {
  const AwsErrorClass error_class = ClassifyAwsError(error);
  std::string text = std::string(operation) + " failed: ";
  if (!error.code.empty()) text += error.code + ": ";
  text += error.message + " (HTTP " + std::to_string(error.http_status);
  if (!error.request_id.empty()) text += ", request id " + error.request_id;
  text += ")";
  if (!error_class.advice.empty())
    text += "; " + std::string(error_class.advice);
  return {error_class.code, text};
}

std::optional<WallTime> ParseHttpDate(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view kShape = "***, ## *** #### ##:##:## GMT";
  if (text.size() != kShape.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '#' ? !digit : kShape[i] != '*' && kShape[i] != text[i]) {
      return std::nullopt;
    }
  }
  const auto number = [&](size_t start, size_t length) {
    int value = 0;
    for (const char c : text.substr(start, length))
      value = value * 10 + c - '0';
    return value;
  };
  const size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const int year = number(12, 4), hour = number(17, 2), minute = number(20, 2),
            second = number(23, 2);
  const std::chrono::year_month_day day{
      std::chrono::year(year),
      std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
      std::chrono::day(static_cast<unsigned>(number(5, 2)))};
  // Nanoseconds since 1970 in 64 bits end in 2262. 60: a leap second.
  if (!day.ok() || year < 1970 || year > 2200 || hour > 23 || minute > 59 ||
      second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

}  // namespace openkeyring
