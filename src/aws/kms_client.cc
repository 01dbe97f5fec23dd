// SPDX-License-Identifier: MIT
#include "aws/kms_client.h"

#include <algorithm>
#include <utility>

#include "aws/endpoints.h"
#include "aws/sigv4.h"

namespace openkeyring {
namespace {

constexpr std::string_view kTargetPrefix = "TrentService.";
// AWS refuses signatures more than five minutes off.
constexpr std::chrono::minutes kSkewThatMatters{2};

Status IgnoreAnswer(Secret&) { return Status::Ok(); }

}  // namespace

struct KmsClient::Attempt {
  std::string operation;
  Secret body;
  bool resend = true;
  int number = 1;  // Of the attempts that count against the limit.
  int last_cost = 1;
  bool refreshed_credentials = false;
  bool corrected_clock = false;
  std::shared_ptr<const Credentials> credentials;
  // No answer because there were no credentials or the request was never sent.
  bool sent = false;
};

KmsClient::KmsClient(AwsDependencies world, const AwsSettings& settings,
                     CredentialChain& credentials, RegionResolver& region,
                     Millis attempt_timeout,
                     std::shared_ptr<KmsStatisticsKeeper> statistics)
    : world_(world),
      settings_(settings),
      credentials_(credentials),
      region_(region),
      attempt_timeout_(attempt_timeout),
      statistics_(statistics != nullptr
                      ? std::move(statistics)
                      : std::make_shared<KmsStatisticsKeeper>()) {}

template <typename T>
Result<T> KmsClient::CallAndRead(const char* operation, Result<Secret> body,
                                 Result<T> (*read)(Secret&),
                                 const Deadline& deadline) {
  Result<T> result = Status(StatusCode::kInternal, "not called");
  Status status = Call(
      operation, std::move(body),
      [&](Secret& answer) {
        result = read(answer);
        return result.status();
      },
      deadline);
  if (!status.ok()) return status;
  return result;
}

Result<KmsDataKey> KmsClient::GenerateDataKey(std::string_view key_id,
                                              size_t bytes,
                                              const EncryptionContext& context,
                                              const Deadline& deadline) {
  return CallAndRead("GenerateDataKey",
                     WriteGenerateDataKey(key_id, bytes, context), ReadDataKey,
                     deadline);
}

Result<KmsCiphertext> KmsClient::GenerateDataKeyWithoutPlaintext(
    std::string_view key_id, size_t bytes, const EncryptionContext& context,
    const Deadline& deadline) {
  return CallAndRead("GenerateDataKeyWithoutPlaintext",
                     WriteGenerateDataKey(key_id, bytes, context),
                     ReadCiphertext, deadline);
}

Result<KmsCiphertext> KmsClient::Encrypt(std::string_view key_id,
                                         const Secret& plaintext,
                                         const EncryptionContext& context,
                                         const Deadline& deadline) {
  return CallAndRead("Encrypt", WriteEncrypt(key_id, plaintext, context),
                     ReadCiphertext, deadline);
}

Result<KmsPlaintext> KmsClient::Decrypt(std::string_view key_id,
                                        ByteView ciphertext,
                                        const EncryptionContext& context,
                                        const Deadline& deadline) {
  return CallAndRead("Decrypt", WriteDecrypt(key_id, ciphertext, context),
                     ReadPlaintext, deadline);
}

Result<KmsCiphertext> KmsClient::ReEncrypt(std::string_view source_key_id,
                                           std::string_view destination_key_id,
                                           ByteView ciphertext,
                                           const EncryptionContext& context,
                                           const Deadline& deadline) {
  return CallAndRead(
      "ReEncrypt",
      WriteReEncrypt(source_key_id, destination_key_id, ciphertext, context),
      ReadCiphertext, deadline);
}

Result<KmsKeyDescription> KmsClient::DescribeKey(std::string_view key_id,
                                                 const Deadline& deadline) {
  return CallAndRead("DescribeKey", WriteKeyIdOnly(key_id), ReadKeyDescription,
                     deadline);
}

Result<Secret> KmsClient::GenerateRandom(size_t bytes,
                                         const Deadline& deadline) {
  Result<KmsPlaintext> random = CallAndRead(
      "GenerateRandom", WriteGenerateRandom(bytes), ReadPlaintext, deadline);
  if (!random) return random.error();
  return std::move(random->bytes);
}

Status KmsClient::EnableKeyRotation(std::string_view key_id, int period_days,
                                    const Deadline& deadline) {
  return Call("EnableKeyRotation", WriteEnableKeyRotation(key_id, period_days),
              IgnoreAnswer, deadline);
}

Status KmsClient::RotateKeyOnDemand(std::string_view key_id,
                                    const Deadline& deadline) {
  return Call("RotateKeyOnDemand", WriteKeyIdOnly(key_id), IgnoreAnswer,
              deadline, false);
}

std::string KmsClient::Region(const Deadline& deadline) {
  return region_.Region(deadline);
}

Status KmsClient::Call(const char* operation, Result<Secret> body,
                       const Reader& read, const Deadline& deadline,
                       bool resend) {
  if (!body) return body.error().WithContext(operation);
  Attempt attempt;
  attempt.operation = operation;
  attempt.body = std::move(*body);
  attempt.resend = resend;
  Status status = CallUntilJudged(attempt, read, deadline);
  statistics_->Outcome(status, world_.clock.Now());
  return status;
}

Status KmsClient::CallUntilJudged(Attempt& attempt, const Reader& read,
                                  const Deadline& deadline) {
  const std::string name = "AWS KMS " + attempt.operation;
  for (;;) {
    Result<HttpResponse> answer = SendOnce(attempt, deadline);
    if (answer && answer->status / 100 == 2) {
      Status status = read(answer->body);
      if (status.ok()) {
        quota_.GiveBack(attempt.last_cost);
        return status;
      }
      // Cut short, or of something that is not KMS: like no answer at all, and
      // certainly no verdict on what is stored.
      answer = Status(StatusCode::kUnavailable, status.message());
    }
    if (MayRepeat(attempt, answer, deadline)) continue;
    if (!answer) return answer.error().WithContext(name);
    return AwsErrorStatus(name, ParseAwsError(*answer));
  }
}

Result<HttpResponse> KmsClient::SendOnce(Attempt& attempt,
                                         const Deadline& deadline) {
  attempt.sent = false;
  auto credentials = credentials_.Get(deadline);
  if (!credentials) return credentials.error();
  attempt.credentials = *credentials;
  const std::string region = region_.Region(deadline);
  if (deadline.Passed(world_.clock)) {
    return Status(StatusCode::kTimeout, "the time allowed is over");
  }
  HttpRequest request;
  request.method = "POST";
  request.url = EndpointUrl(region);
  // An endpoint somebody typed may be plain http; ours never are.
  request.allow_plain_http = !settings_.kms_endpoint_url.empty();
  request.send_once = !attempt.resend;
  request.headers = {
      {"Content-Type", "application/x-amz-json-1.1"},
      {"X-Amz-Target", std::string(kTargetPrefix) + attempt.operation}};
  request.body = attempt.body.Clone();
  const Millis offset(clock_offset_ms_.load(std::memory_order_relaxed));
  Status status = SignRequest(request, **credentials, {region, "kms"},
                              world_.clock.Now() + offset);
  if (!status.ok()) return status;
  statistics_->Request(request.url);
  attempt.sent = true;
  const Millis left = deadline.Remaining(world_.clock);
  Result<HttpResponse> answer =
      world_.http.Send(request, std::min(left, attempt_timeout_));
  world_.log.Write(LogLevel::kDebug,
                   attempt.operation + " at " + request.url +
                       " with access key " + (*credentials)->access_key_id +
                       ", attempt " + std::to_string(attempt.number) + ": " +
                       (answer ? "HTTP " + std::to_string(answer->status)
                               : answer.error().ToString()));
  return answer;
}

bool KmsClient::MayRepeat(Attempt& attempt, const Result<HttpResponse>& answer,
                          const Deadline& deadline) {
  if (!attempt.sent) return false;  // The credential chain has its own retries.
  if (!answer) {
    const Status& error = answer.error();
    return error.IsTransient() && attempt.resend &&
           WaitForRetry(attempt, error.code() == StatusCode::kTimeout,
                        std::nullopt, deadline);
  }
  const AwsError error = ParseAwsError(*answer);
  if (RepeatsAtOnce(attempt, error)) {
    statistics_->Retry();
    return true;
  }
  // Refused calls had no effect, so that even what is sent once may repeat.
  return JudgeAwsError(error).retry &&
         (attempt.resend || error.code.find("hrottl") != std::string::npos) &&
         WaitForRetry(attempt, false, error.retry_after, deadline);
}

bool KmsClient::RepeatsAtOnce(Attempt& attempt, const AwsError& error) {
  const AwsVerdict verdict = JudgeAwsError(error);
  if (verdict.may_be_clock_skew && !attempt.corrected_clock &&
      CorrectClock(error)) {
    attempt.corrected_clock = true;
    return true;
  }
  if (verdict.refresh_credentials && !attempt.refreshed_credentials) {
    attempt.refreshed_credentials = true;
    credentials_.Invalidate(*attempt.credentials);
    return true;
  }
  return false;
}

// True when our idea of AWS's time was wrong and is now better.
bool KmsClient::CorrectClock(const AwsError& error) {
  if (!error.date) return false;
  const auto offset =
      std::chrono::duration_cast<Millis>(*error.date - world_.clock.Now());
  const Millis used(clock_offset_ms_.load(std::memory_order_relaxed));
  if (std::chrono::abs(offset - used) < kSkewThatMatters) return false;
  clock_offset_ms_.store(offset.count(), std::memory_order_relaxed);
  world_.log.Write(
      LogLevel::kWarning,
      "this machine's clock differs from AWS's by " +
          std::to_string(-offset.count() / 1000) +
          " seconds; requests are signed with AWS's time. Set the clock");
  return true;
}

bool KmsClient::WaitForRetry(Attempt& attempt, bool after_timeout,
                             std::optional<Millis> wish,
                             const Deadline& deadline) {
  if (attempt.number >= settings_.max_attempts) return false;
  const int cost = RetryQuota::CostOfRetry(after_timeout);
  const Millis delay = RetryDelay(attempt.number - 1, world_.random, wish);
  if (delay >= deadline.Remaining(world_.clock)) return false;
  if (!quota_.TryTake(cost)) return false;
  world_.clock.SleepFor(delay);
  attempt.last_cost = cost;
  ++attempt.number;
  statistics_->Retry();
  return true;
}

std::string KmsClient::EndpointUrl(const std::string& region) const {
  const std::string& explicit_url = settings_.kms_endpoint_url;
  std::string url =
      explicit_url.empty()
          ? ServiceEndpoint("kms", region, settings_.use_fips_endpoint,
                            settings_.use_dualstack_endpoint)
          : explicit_url;
  if (!url.ends_with('/')) url += '/';
  return url;
}

}  // namespace openkeyring
