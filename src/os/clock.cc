// SPDX-License-Identifier: MIT
#include "os/clock.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <thread>

#include "os/cancellation.h"

namespace openkeyring {
namespace {

class RealClock : public Clock {
 public:
  WallTime Now() const override { return std::chrono::system_clock::now(); }
  SteadyTime Steady() const override {
    return std::chrono::steady_clock::now();
  }
  void SleepFor(Millis duration) override {
    std::this_thread::sleep_for(duration);
  }
};

}  // namespace

Clock& SystemClock() {
  static RealClock clock;
  return clock;
}

std::string UtcText(WallTime time, const char* format) {
  const time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm utc;
  if (gmtime_r(&seconds, &utc) == nullptr) return "";
  std::array<char, 64> text;
  return {text.data(), strftime(text.data(), text.size(), format, &utc)};
}

Millis Deadline::Remaining(const Clock& clock) const {
  const SteadyTime now = clock.Steady();
  if (now >= at_ || IsCancelled()) return Millis(0);
  return std::chrono::ceil<Millis>(at_ - now);
}

Deadline Deadline::Within(const Clock& clock, Millis duration) const {
  return Deadline(std::min(at_, clock.Steady() + duration), cancellation_);
}

bool Deadline::IsCancelled() const {
  return cancellation_ != nullptr && cancellation_->IsCancelled();
}

void SleepUnlessCancelled(Clock& clock, Millis duration,
                          const Deadline& deadline) {
  if (deadline.cancellation() == nullptr) {
    clock.SleepFor(duration);
    return;
  }
  const Deadline end =
      Deadline::After(clock, duration).CancelledBy(*deadline.cancellation());
  while (!end.Passed(clock)) {
    clock.SleepFor(std::min(kCancellationSlice, end.Remaining(clock)));
  }
}

}  // namespace openkeyring
