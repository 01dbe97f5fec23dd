// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_MANUAL_CLOCK_H_
#define OPENKEYRING_TESTING_MANUAL_CLOCK_H_

#include <mutex>
#include <vector>

#include "os/clock.h"

namespace openkeyring {

// Time that moves only when told to, or when somebody sleeps. Remembers every
// sleep. Starts at 2026-01-02T03:04:05Z. Threads: all methods at once.
class ManualClock : public Clock {
 public:
  WallTime Now() const override;
  SteadyTime Steady() const override;
  void SleepFor(Millis duration) override;

  void Advance(Millis duration);
  std::vector<Millis> sleeps() const;

 private:
  mutable std::mutex mutex_;
  Millis elapsed_{0};
  std::vector<Millis> sleeps_;
};

// As far as dates go, ahead of the server.
class ClockAhead : public Clock {
 public:
  explicit ClockAhead(int minutes) : ahead_(minutes) {}
  WallTime Now() const override { return SystemClock().Now() + ahead_; }
  SteadyTime Steady() const override { return SystemClock().Steady(); }
  void SleepFor(Millis duration) override { SystemClock().SleepFor(duration); }

 private:
  const std::chrono::minutes ahead_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_MANUAL_CLOCK_H_
