// SPDX-License-Identifier: MIT
#include "aws/credentials/container.h"

#include <algorithm>

#include "aws/credentials/answer.h"
#include "aws/values.h"
#include "net/url.h"

namespace openkeyring {
namespace {

constexpr const char* kRelativeUri = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr const char* kFullUri = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr const char* kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr const char* kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr const char* kEcsAgent = "http://169.254.170.2";
constexpr int kAttempts = 3;
constexpr Millis kTimeout{2000};
constexpr Millis kPause{1000};
constexpr size_t kMaxToken = 65536;

Status Misconfigured(const char* variable, const std::string& why) {
  return {StatusCode::kMisconfigured, std::string(variable) + ": " + why};
}

bool MayBePlainHttp(const Url& url) {
  return url.IsLoopback() || url.host == "169.254.170.2" ||
         url.host == "169.254.170.23" || url.host == "fd00:ec2::23";
}

// An answer that is not 200.
Status Refusal(HttpResponse& response) {
  std::string text =
      "the agent answers HTTP " + std::to_string(response.status);
  const auto answer = ReadCredentialAnswer(response.body, "Token");
  if (answer && !answer->code.empty()) text += ": " + answer->code;
  if (answer && !answer->message.empty()) text += ": " + answer->message;
  const bool passes = response.status >= 500 || response.status == 429;
  return {passes ? StatusCode::kUnavailable : StatusCode::kDenied, text};
}

// Worth another attempt: no answer, a bad day, or half an answer.
bool MayPass(const Status& error) {
  return error.IsTransient() || error.code() == StatusCode::kCorrupt;
}

}  // namespace

Result<std::string> ContainerSource::FindUrl() const {
  const auto relative = dependencies_.environment.Get(kRelativeUri);
  const auto full = dependencies_.environment.Get(kFullUri);
  if (!relative && !full) {
    return Status(StatusCode::kNotFound, std::string(kRelativeUri) + " and " +
                                             kFullUri + " are not set");
  }
  const char* variable = relative ? kRelativeUri : kFullUri;
  if (relative && !relative->starts_with('/')) {
    return Misconfigured(variable, "it must start with /");
  }
  const std::string text = relative ? kEcsAgent + *relative : *full;
  const Result<Url> url = ParseUrl(text);
  if (!url) return Misconfigured(variable, url.error().message());
  if (url->scheme == "http" && !MayBePlainHttp(*url)) {
    return Misconfigured(
        variable, "plain http to " + url->host + " is not allowed; use https");
  }
  return text;
}

Result<Secret> ContainerSource::FindToken() const {
  const auto path = dependencies_.environment.Get(kTokenFile);
  const char* origin = path ? kTokenFile : kToken;
  Secret token;
  if (path) {
    Result<Secret> content = dependencies_.files.ReadSecret(*path, kMaxToken);
    if (!content) return Misconfigured(origin, content.error().message());
    token = std::move(*content);
  } else {
    token = TakeSecret(dependencies_.environment.Get(kToken).value_or(""));
  }
  for (const uint8_t byte : token.RevealBytes()) {
    if (byte < ' ' || byte == 0x7f) {
      return Misconfigured(origin, "a line end or control character in it");
    }
  }
  return token;
}

Result<Credentials> ContainerSource::AskOnce(const std::string& url,
                                             const Deadline& deadline) {
  const Result<Secret> token = FindToken();
  if (!token) return token.error();
  HttpRequest request;
  request.url = url;
  request.allow_plain_http = true;
  request.use_proxy = false;
  request.headers = {{"Accept", "application/json"}};
  if (!token->empty()) {
    request.headers.emplace_back("Authorization", token->RevealText());
  }
  const Millis left = deadline.Remaining(dependencies_.clock);
  if (left.count() == 0) {
    return Status(StatusCode::kTimeout, "the time allowed is over");
  }
  request.cancellation = deadline.cancellation();
  Result<HttpResponse> response =
      dependencies_.http.Send(request, std::min(left, kTimeout));
  if (!response) return response.error();
  if (response->status != 200) return Refusal(*response);
  Result<CredentialAnswer> answer =
      ReadCredentialAnswer(response->body, "Token");
  if (!answer) return answer.error();
  return CompleteCredentials(std::move(*answer), SessionToken::kRequired);
}

Result<Credentials> ContainerSource::Fetch(const Deadline& deadline) {
  const Result<std::string> url = FindUrl();
  if (!url) return url.error();
  for (int attempt = 1;; ++attempt) {
    Result<Credentials> credentials = AskOnce(*url, deadline);
    if (credentials) return credentials;
    const Status& error = credentials.error();
    if (attempt == kAttempts || !MayPass(error) ||
        deadline.Remaining(dependencies_.clock) <= kPause) {
      return error.WithContext(*url);
    }
    SleepUnlessCancelled(dependencies_.clock, kPause, deadline);
  }
}

}  // namespace openkeyring
