// SPDX-License-Identifier: MIT
#include "aws/imds_client.h"

#include <algorithm>

#include "aws/retry.h"
#include "aws/shared_files.h"
#include "aws/values.h"
#include "base/encoding.h"
#include "net/url.h"

namespace openkeyring {
namespace {

constexpr const char* kIpv4 = "http://169.254.169.254";
constexpr const char* kIpv6 = "http://[fd00:ec2::254]";
constexpr std::chrono::seconds kTokenLife{21600};
// A token is given up a little before its end.
constexpr std::chrono::seconds kTokenMargin{60};
constexpr int kAttemptsWhenBusy = 3;

Status Misconfigured(std::string text) {
  return {StatusCode::kMisconfigured, std::move(text)};
}

// A setting and where it was said; both empty when nowhere.
struct Said {
  std::string value, origin;
};

class Lookup {
 public:
  Lookup(const Environment& environment, const SharedFiles& files,
         const std::string& profile)
      : environment_(environment), files_(files), profile_(profile) {}

  Said Find(const char* variable, const char* key) const {
    if (const auto value = environment_.Get(variable)) {
      return {*value, variable};
    }
    const std::string value = files_.Value(profile_, key);
    if (value.empty()) return {};
    return {value, std::string(key) + " of " + files_.Origin(profile_, key)};
  }

  Result<int> FindNumber(const char* variable, const char* key,
                         int most) const {
    const Said said = Find(variable, key);
    if (said.value.empty()) return 1;
    return ParseNumber(said.value, 1, most, said.origin);
  }

 private:
  const Environment& environment_;
  const SharedFiles& files_;
  const std::string& profile_;
};

Result<std::string> FindEndpoint(const Lookup& lookup) {
  Said said = lookup.Find("AWS_EC2_METADATA_SERVICE_ENDPOINT",
                          "ec2_metadata_service_endpoint");
  if (!said.value.empty()) {
    const Result<Url> url = ParseUrl(said.value);
    if (!url) return Misconfigured(said.origin + ": " + url.error().message());
    if (said.value.ends_with('/')) said.value.pop_back();
    return said.value;
  }
  said = lookup.Find("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                     "ec2_metadata_service_endpoint_mode");
  const std::string mode = AsciiLower(said.value);
  if (mode.empty() || mode == "ipv4") return std::string(kIpv4);
  if (mode == "ipv6") return std::string(kIpv6);
  return Misconfigured(said.origin + " must be IPv4 or IPv6, not \"" +
                       said.value + "\"");
}

Result<bool> IsDisabled(const Environment& environment) {
  constexpr const char* kVariable = "AWS_EC2_METADATA_DISABLED";
  const auto said = environment.Get(kVariable);
  return said ? ParseBool(*said, kVariable) : false;
}

Status NoAnswer(const std::string& endpoint, const Status& error) {
  return {
      StatusCode::kUnavailable,
      "no answer from the instance metadata service (" + endpoint +
          "): " + error.message() +
          ". If this is not an EC2 instance, set credentials by another way; "
          "in a "
          "container on one, the instance's metadata hop limit must be 2 or "
          "more (aws ec2 modify-instance-metadata-options "
          "--http-put-response-hop-limit 2)"};
}

Status BadAnswer(const std::string& what, int http_status) {
  const std::string text = "the instance metadata service answers " + what +
                           " with HTTP " + std::to_string(http_status);
  if (http_status == 404) return {StatusCode::kNotFound, text};
  if (http_status == 401 || http_status == 403) {
    return {StatusCode::kDenied,
            text + ": is it switched off for this instance?"};
  }
  return {StatusCode::kUnavailable, text};
}

bool IsBusy(int http_status) {
  return http_status >= 500 || http_status == 429;
}

// The service has no empty texts.
bool IsEmpty(const HttpResponse& answer) {
  return answer.status == 200 && Trim(answer.body.RevealText()).empty();
}

}  // namespace

Result<ImdsClient::Settings> ImdsClient::ReadSettings() const {
  const Result<SharedFiles> files =
      ReadSharedFiles(dependencies_.environment, dependencies_.files);
  if (!files) return files.error();
  const Lookup lookup(dependencies_.environment, *files, profile_);
  Result<std::string> endpoint = FindEndpoint(lookup);
  if (!endpoint) return endpoint.error();
  const Result<int> seconds = lookup.FindNumber("AWS_METADATA_SERVICE_TIMEOUT",
                                                "metadata_service_timeout", 60);
  if (!seconds) return seconds.error();
  const Result<int> attempts = lookup.FindNumber(
      "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 20);
  if (!attempts) return attempts.error();
  const Said said =
      lookup.Find("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
  const Result<bool> no_v1 =
      said.value.empty() ? false : ParseBool(said.value, said.origin);
  if (!no_v1) return no_v1.error();
  return Settings{std::move(*endpoint), std::chrono::seconds(*seconds),
                  *attempts, !*no_v1};
}

Result<HttpResponse> ImdsClient::Send(const Settings& settings,
                                      const HttpRequest& request,
                                      const Deadline& deadline) {
  for (int attempt = 1;; ++attempt) {
    const Millis left = deadline.Remaining(dependencies_.clock);
    if (left.count() == 0) {
      return Status(StatusCode::kTimeout, "the time allowed is over");
    }
    Result<HttpResponse> answer =
        dependencies_.http.Send(request, std::min(left, settings.timeout));
    const bool answered = answer.has_value();
    if (answer && IsEmpty(*answer)) {
      answer = Status(StatusCode::kUnavailable, "an empty answer");
    }
    const bool busy = answer && IsBusy(answer->status);
    if (answer && !busy) return answer;
    const int attempts = answered
                             ? std::max(settings.attempts, kAttemptsWhenBusy)
                             : settings.attempts;
    const Millis pause =
        RetryDelay(attempt - 1, dependencies_.random, std::nullopt);
    if (attempt >= attempts ||
        pause >= deadline.Remaining(dependencies_.clock)) {
      if (busy) return answer;
      return NoAnswer(settings.endpoint, answer.error());
    }
    SleepUnlessCancelled(dependencies_.clock, pause, deadline);
  }
}

// Leaves token_ empty when version 1 has to do.
Status ImdsClient::RenewToken(const Settings& settings,
                              const Deadline& deadline) {
  token_.Clear();
  HttpRequest request;
  request.cancellation = deadline.cancellation();
  request.method = "PUT";
  request.url = settings.endpoint + "/latest/api/token";
  request.allow_plain_http = true;
  request.use_proxy = false;
  request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds",
                      std::to_string(kTokenLife.count())}};
  Result<HttpResponse> answer = Send(settings, request, deadline);
  if (!answer) return answer.error();
  const int status = answer->status;
  if (status == 403 || status == 404 || status == 405) {
    if (settings.allow_v1) {
      version1_end_ = dependencies_.clock.Steady() + kTokenLife;
      return Status::Ok();
    }
    return {StatusCode::kDenied,
            "the instance metadata service gives no session token (HTTP " +
                std::to_string(status) + "), and version 1 is disabled"};
  }
  const std::string_view token = Trim(answer->body.RevealText());
  if (status != 200) return BadAnswer("the request for a token", status);
  const bool fits =
      !token.empty() && token.size() <= 4096 &&
      std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (!fits) {
    return {StatusCode::kUnavailable,
            "the instance metadata service gave an unusable session token"};
  }
  token_ = Secret::CopyOf(token);
  token_end_ = dependencies_.clock.Steady() + kTokenLife - kTokenMargin;
  return Status::Ok();
}

Result<HttpResponse> ImdsClient::GetOnce(const Settings& settings,
                                         const std::string& path,
                                         const Deadline& deadline) {
  if (settings.endpoint != endpoint_) {
    endpoint_ = settings.endpoint;
    token_.Clear();
    version1_end_ = {};
  }
  const SteadyTime now = dependencies_.clock.Steady();
  const bool has_token = !token_.empty() && now < token_end_;
  if (!has_token && !(settings.allow_v1 && now < version1_end_)) {
    Status status = RenewToken(settings, deadline);
    if (!status.ok()) return status;
  }
  HttpRequest request;
  request.cancellation = deadline.cancellation();
  request.url = settings.endpoint + path;
  request.allow_plain_http = true;
  request.use_proxy = false;
  if (!token_.empty()) {
    request.headers.emplace_back("X-aws-ec2-metadata-token",
                                 token_.RevealText());
  }
  return Send(settings, request, deadline);
}

Result<Secret> ImdsClient::Get(const std::string& path,
                               const Deadline& deadline) {
  const Result<bool> disabled = IsDisabled(dependencies_.environment);
  if (!disabled) return disabled.error();
  if (*disabled) {
    return Status(StatusCode::kNotFound, "AWS_EC2_METADATA_DISABLED is true");
  }
  const Result<Settings> settings = ReadSettings();
  if (!settings) return settings.error();
  Result<HttpResponse> answer = GetOnce(*settings, path, deadline);
  if (answer && answer->status == 401) {  // The token is of no more use.
    token_.Clear();
    version1_end_ = {};
    answer = GetOnce(*settings, path, deadline);
  }
  if (!answer) return answer.error();
  if (answer->status == 200) return std::move(answer->body);
  return BadAnswer(path, answer->status);
}

}  // namespace openkeyring
