// SPDX-License-Identifier: MIT
#include "aws/retry.h"

#include <algorithm>

namespace openkeyring {

bool RetryQuota::TryTake(int cost) {
  std::lock_guard lock(mutex_);
  if (available_ < cost) return false;
  available_ -= cost;
  return true;
}

void RetryQuota::GiveBack(int cost) {
  std::lock_guard lock(mutex_);
  available_ = std::min(kCapacity, available_ + cost);
}

int RetryQuota::available() const {
  std::lock_guard lock(mutex_);
  return available_;
}

Millis RetryDelay(int retry, Random& random, std::optional<Millis> wish) {
  constexpr Millis kMost{20000}, kMostWish{5000};
  const Millis bound =
      std::min(kMost, Millis(1000) * (1 << std::min(retry, 5)));
  const Millis delay(static_cast<int64_t>(static_cast<double>(bound.count()) *
                                          random.Fraction()));
  if (!wish) return delay;
  return std::max(delay, std::min(*wish, delay + kMostWish));
}

}  // namespace openkeyring
