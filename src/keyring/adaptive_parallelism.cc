// SPDX-License-Identifier: MIT
#include "keyring/adaptive_parallelism.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>
#include <vector>

#include "os/cancellation.h"
#include "os/parallel.h"

namespace openkeyring {
namespace {

constexpr Millis kFirstBound{1000}, kShortest{50};
constexpr size_t kCallsOfOne = 8;  // In a round.

// The jobs of a round that must come again.
struct Round {
  bool throttled = false;
  std::vector<size_t> again;
};

Round RunRound(const std::vector<size_t>& jobs, size_t parallelism,
               const std::function<Status(size_t)>& job) {
  std::atomic<bool> throttled{false};
  std::vector<char> again(jobs.size(), 0);  // Not bits: threads write to them.
  RunParallel(jobs.size(), parallelism, [&](size_t i) {
    again[i] =
        throttled.load() || job(jobs[i]).code() == StatusCode::kThrottled;
    if (again[i]) throttled = true;
  });
  Round round{throttled.load(), {}};
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (again[i]) round.again.push_back(jobs[i]);
  }
  return round;
}

}  // namespace

// ---- ThrottlePause ---------------------------------------------------------

Millis ThrottlePause::AfterThrottle(Millis left) {
  const Millis bound = std::min(kFirstBound * (1 << doublings_), left);
  if (doublings_ + 1 < kMostDoublings) ++doublings_;
  return std::max(
      kShortest, Millis(static_cast<int64_t>(
                     static_cast<double>(bound.count()) * random_.Fraction())));
}

void ThrottlePause::AfterSuccess() {
  if (doublings_ > 0) --doublings_;
}

// ---- AdaptiveParallelism ---------------------------------------------------

AdaptiveParallelism::AdaptiveParallelism(size_t most, Random& random)
    : most_(std::max<size_t>(most, 1)), now_(most_), pause_(random) {}

size_t AdaptiveParallelism::RoundSize(size_t left) const {
  return is_full_ ? left : std::min(left, now_ * kCallsOfOne);
}

void AdaptiveParallelism::AfterSuccess() {
  now_ = std::min(now_ + 1, most_);
  pause_.AfterSuccess();
  is_full_ = is_full_ || (now_ == most_ && pause_.IsShortest());
}

Millis AdaptiveParallelism::AfterThrottle(Millis left) {
  now_ = std::max<size_t>(now_ / 2, 1);
  is_full_ = false;
  return pause_.AfterThrottle(left);
}

// ---- RunAdaptive -----------------------------------------------------------

BatchEnd RunAdaptive(size_t count, AdaptiveParallelism& parallelism,
                     Clock& clock, const Deadline& deadline,
                     const std::function<Status(size_t)>& job) {
  std::vector<size_t> left(count);
  std::iota(left.begin(), left.end(), size_t{0});
  while (!left.empty()) {
    const auto size =
        static_cast<ptrdiff_t>(parallelism.RoundSize(left.size()));
    Round round = RunRound({left.begin(), left.begin() + size},
                           parallelism.parallelism(), job);
    left.erase(left.begin(), left.begin() + size);
    left.insert(left.begin(), round.again.begin(), round.again.end());
    if (!round.throttled) {
      parallelism.AfterSuccess();
      continue;
    }
    const Millis remaining = deadline.Remaining(clock);
    const Millis pause = parallelism.AfterThrottle(remaining);
    if (pause >= remaining) return BatchEnd::kOutOfTime;
    SleepUnlessCancelled(clock, pause, deadline);
  }
  return BatchEnd::kComplete;
}

}  // namespace openkeyring
