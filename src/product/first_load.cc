// SPDX-License-Identifier: MIT
#include "product/first_load.h"

namespace openkeyring {
namespace {

constexpr Millis kPause{500};

}  // namespace

Status LoadPatiently(Clock& clock, Log& log, const LoadPatience& patience,
                     const std::function<Status()>& load) {
  Status status = load();
  const Status first = status;
  for (bool told = false; patience.is_first && status.IsTransient() &&
                          patience.deadline.Remaining(clock) > kPause;
       told = true) {
    if (!told) {
      log.Write(LogLevel::kWarning,
                "the keyring is tried again until startup_deadline_ms: " +
                    status.message());
    }
    clock.SleepFor(kPause);
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
