// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_CLOCK_H_
#define OPENKEYRING_OS_CLOCK_H_

#include <chrono>
#include <string>

namespace openkeyring {

using WallTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;
using Millis = std::chrono::milliseconds;

// Time, injected so that tests own it. Wall time dates signatures and expiry;
// steady time measures waits and is not moved by an administrator.
//
// Threads: all methods may be called concurrently.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;
  virtual void SleepFor(Millis duration) = 0;
};

// The machine's clock. Lives for the process.
Clock& SystemClock();

// A moment in UTC, in a format of strftime; by default "2026-11-22 13:05:59".
std::string UtcText(WallTime time, const char* format = "%Y-%m-%d %H:%M:%S");

class Cancellation;

// The moment by which a whole operation, with its retries, must be over. One
// that is cancelled has passed.
class Deadline {
 public:
  static Deadline After(const Clock& clock, Millis duration) {
    return Deadline(clock.Steady() + duration);
  }
  // Never negative: zero once the moment has passed.
  Millis Remaining(const Clock& clock) const;
  bool Passed(const Clock& clock) const {
    return Remaining(clock).count() == 0;
  }
  // The earlier of this and `duration` from now.
  Deadline Within(const Clock& clock, Millis duration) const;
  SteadyTime at() const { return at_; }

  // The same moment, for a batch: a call that is throttled shall not wait and
  // repeat itself, but end with kThrottled, so that the batch slows down.
  Deadline ReportingThrottling() const {
    Deadline reporting = *this;
    reporting.reports_throttling_ = true;
    return reporting;
  }
  // The same moment, for a part that has retries of its own.
  Deadline WithoutReportingThrottling() const {
    Deadline patient = *this;
    patient.reports_throttling_ = false;
    return patient;
  }
  bool reports_throttling() const { return reports_throttling_; }

  // The same moment, or that of the cancellation if it is earlier; any other
  // cancellation is forgotten. Borrowed, also by copies.
  Deadline CancelledBy(const Cancellation& cancellation) const {
    Deadline cancelled = *this;
    cancelled.cancellation_ = &cancellation;
    return cancelled;
  }
  bool IsCancelled() const;
  // Null when nothing can cancel it.
  const Cancellation* cancellation() const { return cancellation_; }

 private:
  explicit Deadline(SteadyTime at) : at_(at) {}
  SteadyTime at_;
  const Cancellation* cancellation_ = nullptr;
  bool reports_throttling_ = false;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_CLOCK_H_
