// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_FAILURE_STREAK_H_
#define OPENKEYRING_BASE_FAILURE_STREAK_H_

#include <atomic>
#include <cstddef>

#include "base/status.h"

namespace openkeyring {

// Lets a batch go on past single failures, but not when `limit` calls in a row
// fail for want of an answer: the key server is away then, and each further
// call would cost another timeout. Threads: all methods may be called
// concurrently.
class FailureStreak {
 public:
  explicit FailureStreak(size_t limit) : limit_(limit) {}

  bool over() const { return failures_.load() >= limit_; }
  void Saw(const Status& status) {
    if (status.IsTransient()) {
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
