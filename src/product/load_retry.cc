// SPDX-License-Identifier: MIT
#include "product/load_retry.h"

#include "keyring/adaptive_parallelism.h"

namespace openkeyring {
namespace {

constexpr Millis kRetryInterval{500};

}  // namespace

Status LoadWithRetry(Clock& clock, Random& random, Log& log,
                     const LoadRetryPolicy& policy,
                     const std::function<Status()>& load) {
  Status status = load();
  const Status first = status;
  ThrottlePause throttled(random);
  const auto retries = [&] {
    return policy.is_first && !status.ok() &&
           (policy.retry_all || status.IsTransient());
  };
  for (bool reported = false; retries(); reported = true) {
    const Millis left = policy.deadline.Remaining(clock);
    const Millis pause = status.code() == StatusCode::kThrottled
                             ? throttled.AfterThrottle(left)
                             : kRetryInterval;
    if (pause >= left) break;
    if (!reported) {
      log.Write(LogLevel::kWarning, "loading the keyring is retried until " +
                                        policy.option + ": " +
                                        status.message());
    }
    clock.SleepFor(pause);
    status = load();
  }
  if (status.code() != StatusCode::kTimeout) return status;
  // The last try may have had no time left to find out more than that.
  std::string text = status.message();
  if (text != first.message()) text += "; the first try: " + first.message();
  if (!policy.is_first && policy.deadline.Passed(clock)) {
    text += "; " + policy.option + " has passed";
  }
  return {status.code(), text};
}

}  // namespace openkeyring
