// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_CANCELLATION_H_
#define OPENKEYRING_OS_CANCELLATION_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "os/clock.h"

namespace openkeyring {

// Tells work in another thread that nobody waits for its result any more. A
// Deadline carries it (Deadline::CancelledBy), so that retries, exchanges,
// programs and pauses end within kCancellationSlice. A cancelled call says
// nothing about a server or a credential: it is not counted and not remembered.
//
// Threads: all methods may be called concurrently.
class Cancellation {
 public:
  Cancellation() = default;
  // Comes with that one as well. Borrowed.
  explicit Cancellation(const Cancellation* other) : other_(other) {}

  void Cancel() { cancelled_.store(true, std::memory_order_release); }
  bool IsCancelled() const {
    return cancelled_.load(std::memory_order_acquire) ||
           (other_ != nullptr && other_->IsCancelled());
  }

 private:
  const Cancellation* const other_ = nullptr;
  std::atomic<bool> cancelled_{false};
};

// What waits looks at the flag so often.
constexpr Millis kCancellationSlice{20};

// Sleeps for `duration`, which the deadline does not shorten, unless it is
// cancelled.
void SleepUnlessCancelled(Clock& clock, Millis duration,
                          const Deadline& deadline);

// Waits, in real time, until `done` or the deadline: whether `done`.
template <typename Predicate>
bool WaitUnlessCancelled(std::condition_variable& changed,
                         std::unique_lock<std::mutex>& lock,
                         const Deadline& deadline, Predicate done) {
  if (deadline.cancellation() == nullptr) {
    return changed.wait_until(lock, deadline.at(), done);
  }
  Clock& clock = SystemClock();
  while (!done() && !deadline.Passed(clock)) {
    changed.wait_for(lock,
                     std::min(kCancellationSlice, deadline.Remaining(clock)));
  }
  return done();
}

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_CANCELLATION_H_
