// SPDX-License-Identifier: MIT
#include "server/repeat_filter.h"

namespace openkeyring {

bool RepeatFilter::Allows(const std::string& text) {
  const SteadyTime now = clock_.Steady();
  std::lock_guard lock(mutex_);
  if (quiet_until_.size() >= kMaxTexts) {
    std::erase_if(quiet_until_,
                  [&](const auto& item) { return item.second <= now; });
  }
  if (quiet_until_.size() >= kMaxTexts) return false;
  SteadyTime& quiet_until = quiet_until_[text];
  if (now < quiet_until) return false;
  quiet_until = now + pause_;
  return true;
}

}  // namespace openkeyring
