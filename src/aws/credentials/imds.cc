// SPDX-License-Identifier: MIT
#include "aws/credentials/imds.h"

#include "aws/credentials/answer.h"
#include "aws/values.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr const char* kDirectory =
    "/latest/meta-data/iam/security-credentials/";
constexpr size_t kMaxRole = 128;
constexpr std::chrono::minutes kWindow{10};
constexpr double kLeastExtraSeconds = 120;
constexpr double kMostExtraSeconds = 600;

// The service lists one role; a name goes into the next path.
bool IsRoleName(std::string_view role) {
  return !role.empty() && role.size() <= kMaxRole &&
         role.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789_+=,.@-") == std::string_view::npos;
}

}  // namespace

Result<std::string> ImdsSource::FindRole(const Deadline& deadline) {
  const Result<Secret> list = client_.Get(kDirectory, deadline);
  if (!list) return list.error();
  const std::string_view text = Trim(list->RevealText());
  const std::string_view role = Trim(text.substr(0, text.find('\n')));
  if (!IsRoleName(role)) {
    return Status(StatusCode::kCorrupt,
                  "the instance metadata service gave no role name");
  }
  return std::string(role);
}

Result<Credentials> ImdsSource::Fetch(const Deadline& deadline) {
  const Result<std::string> role = FindRole(deadline);
  if (!role) return role.error();
  Result<Secret> body =
      client_.Get(kDirectory + PercentEncode(*role), deadline);
  if (!body) {
    // The role was there a moment ago: this is no "not configured".
    const Status& error = body.error();
    if (error.code() != StatusCode::kNotFound) return error;
    return Status(StatusCode::kUnavailable, error.message());
  }
  Result<CredentialAnswer> answer = ReadCredentialAnswer(*body, "Token");
  if (answer && !answer->code.empty() && answer->code != "Success") {
    return Status(StatusCode::kUnavailable,
                  "the instance metadata service has no credentials for role " +
                      *role + ": " + answer->code + " " + answer->message);
  }
  Result<Credentials> credentials =
      answer ? CompleteCredentials(std::move(*answer), SessionToken::kRequired)
             : answer.error();
  if (!credentials) {
    return credentials.error().WithContext("credentials of role " + *role);
  }
  ExtendLife(*credentials);
  return credentials;
}

void ImdsSource::ExtendLife(Credentials& credentials) {
  if (!credentials.expiration) return;
  const double extra =
      kLeastExtraSeconds + dependencies_.random.Fraction() *
                               (kMostExtraSeconds - kLeastExtraSeconds);
  const auto life = kWindow + std::chrono::seconds(static_cast<int>(extra));
  const WallTime now = dependencies_.clock.Now();
  if (*credentials.expiration > now + life) return;
  dependencies_.log.Write(LogLevel::kWarning,
                          "instance metadata gives credentials that end at " +
                              IsoTime(*credentials.expiration) +
                              "; they are used until " + IsoTime(now + life) +
                              " while newer ones are asked for");
  credentials.expiration = now + life;
}

}  // namespace openkeyring
