// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_EMULATOR_CLOCK_H_
#define OPENKEYRING_EMULATORS_KMS_EMULATOR_CLOCK_H_

#include <atomic>

#include "os/clock.h"

namespace kms_emulator {

// Another clock, whose wall time is moved by an offset. Threads: as Clock.
class EmulatorClock : public openkeyring::Clock {
 public:
  explicit EmulatorClock(openkeyring::Clock& base) : base_(base) {}

  openkeyring::WallTime Now() const override {
    return base_.Now() + openkeyring::Millis(offset_ms_.load());
  }
  openkeyring::SteadyTime Steady() const override { return base_.Steady(); }
  void SleepFor(openkeyring::Millis duration) override {
    base_.SleepFor(duration);
  }

  void SetOffset(openkeyring::Millis offset) { offset_ms_ = offset.count(); }
  openkeyring::Millis offset() const {
    return openkeyring::Millis(offset_ms_.load());
  }

 private:
  openkeyring::Clock& base_;
  std::atomic<int64_t> offset_ms_{0};
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_EMULATOR_CLOCK_H_
