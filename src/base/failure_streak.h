// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_FAILURE_STREAK_H_
#define OPENKEYRING_BASE_FAILURE_STREAK_H_

#include <atomic>
#include <cstddef>

#include "base/status.h"

namespace openkeyring {

// Lets a batch continue past single failures, but not after `limit` transient
// failures in a row: the key server is away then, and each further call would
// cost another timeout. Threads: all methods may be called concurrently.
class FailureStreak {
 public:
  explicit FailureStreak(size_t limit) : limit_(limit) {}

  // Whether the batch should stop.
  bool IsOver() const { return failures_.load() >= limit_; }
  // Counts the outcome of one call. A key server that throttles is not away.
  void Record(const Status& outcome) {
    if (outcome.code() == StatusCode::kThrottled) return;
    if (outcome.IsTransient()) {
      ++failures_;
    } else {
      failures_ = 0;
    }
  }

 private:
  const size_t limit_;
  std::atomic<size_t> failures_{0};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_FAILURE_STREAK_H_
