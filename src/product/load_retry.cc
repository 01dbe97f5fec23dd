// SPDX-License-Identifier: MIT
#include "product/load_retry.h"

namespace openkeyring {
namespace {

constexpr Millis kRetryInterval{500};

}  // namespace

Status LoadWithRetry(Clock& clock, Log& log, const LoadRetryPolicy& policy,
                     const std::function<Status()>& load) {
  Status status = load();
  const Status first = status;
  const auto retries = [&] {
    return policy.is_first && !status.ok() &&
           (policy.retry_all || status.IsTransient()) &&
           policy.deadline.Remaining(clock) > kRetryInterval;
  };
  for (bool reported = false; retries(); reported = true) {
    if (!reported) {
      log.Write(LogLevel::kWarning, "loading the keyring is retried until " +
                                        policy.option + ": " +
                                        status.message());
    }
    clock.SleepFor(kRetryInterval);
    status = load();
  }
  // The last try may have had no time left to find out more than that.
  if (status.code() != StatusCode::kTimeout ||
      status.message() == first.message()) {
    return status;
  }
  return {status.code(),
          status.message() + "; the first try: " + first.message()};
}

}  // namespace openkeyring
