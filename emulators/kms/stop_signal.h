// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_STOP_SIGNAL_H_
#define OPENKEYRING_EMULATORS_KMS_STOP_SIGNAL_H_

#include <condition_variable>
#include <mutex>

#include "os/clock.h"

namespace kms_emulator {

// Waiting that an end of the program cuts short. Threads: all methods at once.
class StopSignal {
 public:
  void Raise() {
    std::lock_guard lock(mutex_);
    raised_ = true;
    changed_.notify_all();
  }
  bool raised() const {
    std::lock_guard lock(mutex_);
    return raised_;
  }
  // Returns at `moment` or when raised.
  void WaitUntil(openkeyring::SteadyTime moment) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, moment, [this] { return raised_; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool raised_ = false;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_STOP_SIGNAL_H_
