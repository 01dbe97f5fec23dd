// SPDX-License-Identifier: MIT
#include "server/log_throttle.h"

namespace openkeyring {

bool LogThrottle::Admits(const std::string& line) {
  const SteadyTime now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  if (suppressed_until_.size() >= kMaxLines) {
    std::erase_if(suppressed_until_,
                  [&](const auto& item) { return item.second <= now; });
  }
  if (suppressed_until_.size() >= kMaxLines) return false;
  SteadyTime& suppressed_until = suppressed_until_[line];
  if (now < suppressed_until) return false;
  suppressed_until = now + interval_;
  return true;
}

}  // namespace openkeyring
