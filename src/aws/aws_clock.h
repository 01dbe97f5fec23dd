// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_AWS_CLOCK_H_
#define OPENKEYRING_AWS_AWS_CLOCK_H_

#include <atomic>

#include "base/log.h"
#include "os/clock.h"

namespace openkeyring {

// The machine's clock, corrected by the Date of AWS's answers where it is wrong
// by more than two minutes: AWS refuses signatures that are five minutes off,
// and credentials expire by AWS's time. One for all calls under one KMS
// key.
//
// Threads: all methods may be called concurrently.
class AwsClock : public Clock {
 public:
  // Both borrowed.
  AwsClock(Clock& machine, Log& log) : machine_(machine), log_(log) {}

  // AWS's time, as far as it is known.
  WallTime Now() const override { return machine_.Now() + offset(); }
  SteadyTime Steady() const override { return machine_.Steady(); }
  void SleepFor(Millis duration) override { machine_.SleepFor(duration); }

  // AWS refused what was dated `used` and said that it is `date`. Whether
  // another date is worth a try; a correction is logged as a warning.
  bool Correct(WallTime used, WallTime date);

 private:
  Millis offset() const {
    return Millis(offset_ms_.load(std::memory_order_relaxed));
  }

  Clock& machine_;
  Log& log_;
  std::atomic<int64_t> offset_ms_{0};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_AWS_CLOCK_H_
