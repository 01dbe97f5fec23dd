// SPDX-License-Identifier: MIT
#include "aws/aws_client.h"

#include <algorithm>
#include <utility>

#include "aws/endpoints.h"
#include "aws/sigv4.h"

namespace openkeyring {

struct AwsClient::Attempt {
  int number = 1;  // Of the attempts that count against the limit.
  int last_cost = 1;
  bool refreshed_credentials = false;
  bool corrected_clock = false;
  std::shared_ptr<const Credentials> credentials;
  WallTime signed_at{};
  bool sent = false;  // False when the request could not even be made.
};

AwsClient::AwsClient(AwsDependencies dependencies, AwsService service,
                     const AwsSettings& settings, RegionResolver& region,
                     std::shared_ptr<CallStatisticsKeeper> statistics)
    : dependencies_(dependencies),
      service_(std::move(service)),
      settings_(settings),
      region_(region),
      statistics_(statistics != nullptr
                      ? std::move(statistics)
                      : std::make_shared<CallStatisticsKeeper>()) {}

Status AwsClient::Call(const AwsCall& call, const Deadline& deadline) {
  Status status = CallUntilFinal(call, deadline);
  // That nobody waits any more says nothing about the service.
  if (status.code() == StatusCode::kThrottled &&
      deadline.reports_throttling()) {
    statistics_->LeftToItsBatch(status);
  } else if (status.ok() || !deadline.IsCancelled()) {
    statistics_->Outcome(status, dependencies_.clock.Now());
  }
  return status;
}

Status AwsClient::CallUntilFinal(const AwsCall& call,
                                 const Deadline& deadline) {
  const std::string name = service_.title + " " + call.operation;
  Attempt attempt;
  for (;;) {
    Result<HttpResponse> answer = SendOnce(call, attempt, deadline);
    if (answer && answer->status / 100 == 2) {
      Status status = call.read(answer->body);
      if (status.ok()) {
        dependencies_.retry_quota.GiveBack(attempt.last_cost);
        RecordKeyState(call, WrappingKeyState::kUsable);
        return status;
      }
      answer = Status(StatusCode::kUnavailable, status.message());
    }
    if (MayRepeat(call, attempt, answer, deadline)) continue;
    if (!answer) return answer.error().WithContext(name);
    const AwsError error = ParseAwsError(*answer);
    RecordKeyState(call, KeyStateOf(error));
    return AwsErrorStatus(name, error);
  }
}

void AwsClient::RecordKeyState(const AwsCall& call,
                               std::optional<WrappingKeyState> state) {
  if (call.uses_key && state) statistics_->KeyIs(*state);
}

Result<HttpResponse> AwsClient::SendOnce(const AwsCall& call, Attempt& attempt,
                                         const Deadline& deadline) {
  attempt.sent = false;
  const Result<std::string> region = region_.RegionFor(call.key_id, deadline);
  if (!region) return region.error();
  HttpRequest request;
  request.method = "POST";
  request.url = EndpointUrl(*region);
  request.allow_plain_http = settings_.allow_unencrypted_endpoint;
  request.send_once = !call.resend;
  request.cancellation = deadline.cancellation();
  Status status = call.write(request);
  if (status.ok()) status = Sign(call, attempt, *region, request, deadline);
  if (!status.ok()) return status;
  const Millis left = deadline.Remaining(dependencies_.clock);
  if (left.count() == 0) {
    return Status(StatusCode::kTimeout, "the time allowed is over");
  }
  statistics_->Request(request.url);
  attempt.sent = true;
  const SteadyTime begin = dependencies_.clock.Steady();
  Result<HttpResponse> answer = dependencies_.http.Send(
      request, std::min(left, service_.attempt_timeout));
  statistics_->Waited(dependencies_.clock.Steady() - begin);
  dependencies_.log.Write(
      LogLevel::kDebug,
      call.operation + " at " + request.url +
          (attempt.credentials == nullptr
               ? std::string(", not signed")
               : " with access key " + attempt.credentials->access_key_id) +
          ", attempt " + std::to_string(attempt.number) + ": " +
          (answer ? "HTTP " + std::to_string(answer->status)
                  : answer.error().ToString()));
  return answer;
}

Status AwsClient::Sign(const AwsCall& call, Attempt& attempt,
                       const std::string& region, HttpRequest& request,
                       const Deadline& deadline) {
  if (call.credentials == nullptr) return Status::Ok();
  // A batch of KMS's calls slows down for KMS alone.
  auto credentials =
      call.credentials->Get(deadline.WithoutReportingThrottling());
  if (!credentials) return credentials.error();
  attempt.credentials = std::move(*credentials);
  attempt.signed_at = dependencies_.clock.Now();
  return SignRequest(request, *attempt.credentials, {region, service_.name},
                     attempt.signed_at);
}

bool AwsClient::MayRepeat(const AwsCall& call, Attempt& attempt,
                          const Result<HttpResponse>& answer,
                          const Deadline& deadline) {
  if (!attempt.sent) return false;  // What failed has its own retries.
  if (!answer) {
    const Status& error = answer.error();
    return error.IsTransient() && call.resend &&
           WaitForRetry(attempt, settings_.max_attempts,
                        error.code() == StatusCode::kTimeout, std::nullopt,
                        deadline);
  }
  const AwsError error = ParseAwsError(*answer);
  if (RepeatsAtOnce(call, attempt, error)) {
    statistics_->Retry();
    return true;
  }
  const AwsErrorClass error_class = ClassifyAwsError(error);
  if (error_class.code == StatusCode::kThrottled) {
    statistics_->Throttled();
    if (deadline.reports_throttling()) return false;
  }
  return error_class.retry && (call.resend || error_class.not_done) &&
         WaitForRetry(
             attempt,
             std::max(settings_.max_attempts, error_class.least_attempts),
             false, error.retry_after, deadline);
}

bool AwsClient::RepeatsAtOnce(const AwsCall& call, Attempt& attempt,
                              const AwsError& error) {
  if (call.credentials == nullptr) return false;
  const AwsErrorClass error_class = ClassifyAwsError(error);
  if (error_class.may_be_clock_skew && !attempt.corrected_clock && error.date &&
      dependencies_.clock.Correct(attempt.signed_at, *error.date)) {
    attempt.corrected_clock = true;
    return true;
  }
  if (error_class.refresh_credentials && !attempt.refreshed_credentials) {
    attempt.refreshed_credentials = true;
    return call.credentials->Replace(*attempt.credentials);
  }
  return false;
}

bool AwsClient::WaitForRetry(Attempt& attempt, int attempts, bool after_timeout,
                             std::optional<Millis> wish,
                             const Deadline& deadline) {
  if (attempt.number >= attempts) return false;
  const int cost = RetryQuota::CostOfRetry(after_timeout);
  const Millis delay =
      RetryDelay(attempt.number - 1, dependencies_.random, wish);
  if (delay >= deadline.Remaining(dependencies_.clock)) return false;
  if (!dependencies_.retry_quota.TryTake(cost)) return false;
  SleepUnlessCancelled(dependencies_.clock, delay, deadline);
  attempt.last_cost = cost;
  ++attempt.number;
  statistics_->Retry();
  return true;
}

std::string AwsClient::EndpointUrl(const std::string& region) const {
  std::string url =
      service_.endpoint_url.empty()
          ? ServiceEndpoint(service_.name, region, settings_.use_fips_endpoint,
                            settings_.use_dualstack_endpoint)
          : service_.endpoint_url;
  if (!url.ends_with('/')) url += '/';
  return url;
}

}  // namespace openkeyring
