// SPDX-License-Identifier: MIT
#include "testing/manual_clock.h"

namespace openkeyring {

WallTime ManualClock::Now() const {
  std::lock_guard lock(mutex_);
  return WallTime(std::chrono::seconds(1767323045)) + elapsed_;
}

SteadyTime ManualClock::Steady() const {
  std::lock_guard lock(mutex_);
  return SteadyTime(std::chrono::hours(1)) + elapsed_;
}

void ManualClock::SleepFor(Millis duration) {
  std::lock_guard lock(mutex_);
  elapsed_ += duration;
  sleeps_.push_back(duration);
}

void ManualClock::Advance(Millis duration) {
  std::lock_guard lock(mutex_);
  elapsed_ += duration;
}

std::vector<Millis> ManualClock::sleeps() const {
  std::lock_guard lock(mutex_);
  return sleeps_;
}

}  // namespace openkeyring
