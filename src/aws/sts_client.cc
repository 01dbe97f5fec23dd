// SPDX-License-Identifier: MIT
#include "aws/sts_client.h"

#include <algorithm>

#include "aws/credentials/values.h"
#include "aws/endpoints.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr Millis kAttemptTimeout{5000};
constexpr int kLeastAttemptsForProvider = 3;
constexpr size_t kMaxToken = 65536;
constexpr std::chrono::minutes kSkewThatMatters{2};

// STS says these when it could not ask the identity provider, or asked it too
// early for a token that was just made.
bool IsTroubleOfProvider(const AwsError& error) {
  return error.code.starts_with("IDPCommunicationError") ||
         error.code.starts_with("InvalidIdentityToken");
}

}  // namespace

struct StsClient::Call {
  int attempt = 1;
  Millis clock_offset{0};
  bool sent = false;  // False when the request could not even be made.
};

StsClient::StsClient(AwsDependencies world, const AwsSettings& settings,
                     RegionResolver& region)
    : world_(world),
      settings_(settings),
      region_(region),
      session_name_("openkeyring-" + RandomHex(world.random, 8)) {}

HttpRequest StsClient::EmptyPost(const std::string& region) const {
  const std::string& explicit_url = settings_.sts_endpoint_url;
  HttpRequest request;
  request.method = "POST";
  request.url =
      explicit_url.empty()
          ? ServiceEndpoint("sts", region, settings_.use_fips_endpoint,
                            settings_.use_dualstack_endpoint)
          : explicit_url;
  if (!request.url.ends_with('/')) request.url += '/';
  request.allow_plain_http = !explicit_url.empty();
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  return request;
}

Result<Secret> StsClient::ReadToken(const std::string& path) const {
  Result<Secret> text = world_.files.ReadSecret(path, kMaxToken);
  if (!text && text.error().IsTransient()) return text;
  if (!text) {
    return Status(StatusCode::kMisconfigured,
                  "web identity token: " + text.error().message());
  }
  const std::string_view token = Trim(text->RevealText());
  if (token.empty()) {
    return Status(StatusCode::kMisconfigured,
                  "the web identity token file " + path + " is empty");
  }
  return Secret::CopyOf(token);
}

Result<Credentials> StsClient::AssumeRole(const Credentials& caller,
                                          const RoleRequest& role,
                                          const Deadline& deadline) {
  Status status = CheckCredentials(caller);
  if (!status.ok()) return status;
  return Run(
      "AssumeRole", role,
      [&](const std::string& region, WallTime now) -> Result<HttpRequest> {
        HttpRequest request = EmptyPost(region);
        request.body = WriteAssumeRole(role);
        Status signing = SignRequest(request, caller, {region, "sts"}, now);
        if (!signing.ok()) return signing;
        return request;
      },
      deadline);
}

Result<Credentials> StsClient::AssumeRoleWithWebIdentity(
    const std::string& token_file, const RoleRequest& role,
    const Deadline& deadline) {
  return Run(
      "AssumeRoleWithWebIdentity", role,
      [&](const std::string& region, WallTime) -> Result<HttpRequest> {
        const Result<Secret> token = ReadToken(token_file);
        if (!token) return token.error();
        HttpRequest request = EmptyPost(region);
        request.body = WriteAssumeRoleWithWebIdentity(role, *token);
        return request;
      },
      deadline);
}

Result<Credentials> StsClient::Run(const char* operation,
                                   const RoleRequest& role,
                                   const MakeRequest& make,
                                   const Deadline& deadline) {
  Status status = CheckRoleRequest(role);
  if (!status.ok()) return status;
  const std::string name =
      "AWS STS " + std::string(operation) + " of " + role.role_arn;
  Call call;
  for (;;) {
    Result<HttpResponse> answer = SendOnce(call, make, deadline);
    if (answer && answer->status / 100 == 2) {
      Result<Credentials> credentials = ReadAssumedRole(answer->body);
      if (credentials) return credentials;
      return credentials.error().WithContext(name);
    }
    if (MayRepeat(call, answer, deadline)) continue;
    if (!answer) return answer.error().WithContext(name);
    return AwsErrorStatus(name, ParseAwsError(*answer));
  }
}

Result<HttpResponse> StsClient::SendOnce(Call& call, const MakeRequest& make,
                                         const Deadline& deadline) {
  call.sent = false;
  const std::string region = region_.Region(deadline);
  const Result<HttpRequest> request =
      make(region, world_.clock.Now() + call.clock_offset);
  if (!request) return request.error();
  const Millis left = deadline.Remaining(world_.clock);
  if (left.count() == 0) {
    return Status(StatusCode::kTimeout, "the time allowed is over");
  }
  call.sent = true;
  return world_.http.Send(*request, std::min(left, kAttemptTimeout));
}

// Once a call: whether AWS's time differs from what the request was dated.
bool StsClient::CorrectsClock(Call& call, const AwsError& error) {
  if (call.clock_offset.count() != 0 || !error.date) return false;
  const auto offset =
      std::chrono::duration_cast<Millis>(*error.date - world_.clock.Now());
  if (std::chrono::abs(offset) < kSkewThatMatters) return false;
  call.clock_offset = offset;
  return true;
}

bool StsClient::MayRepeat(Call& call, const Result<HttpResponse>& answer,
                          const Deadline& deadline) {
  if (!answer) {
    return call.sent && answer.error().IsTransient() &&
           WaitForRetry(call, settings_.max_attempts, std::nullopt, deadline);
  }
  const AwsError error = ParseAwsError(*answer);
  const AwsVerdict verdict = JudgeAwsError(error);
  if (verdict.may_be_clock_skew && CorrectsClock(call, error)) return true;
  const bool provider = IsTroubleOfProvider(error);
  if (!provider && !verdict.retry) return false;
  const int attempts =
      provider ? std::max(settings_.max_attempts, kLeastAttemptsForProvider)
               : settings_.max_attempts;
  return WaitForRetry(call, attempts, error.retry_after, deadline);
}

bool StsClient::WaitForRetry(Call& call, int attempts,
                             std::optional<Millis> wish,
                             const Deadline& deadline) {
  const Millis delay = RetryDelay(call.attempt - 1, world_.random, wish);
  if (call.attempt >= attempts || delay >= deadline.Remaining(world_.clock)) {
    return false;
  }
  world_.clock.SleepFor(delay);
  ++call.attempt;
  return true;
}

}  // namespace openkeyring
