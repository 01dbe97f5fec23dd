// SPDX-License-Identifier: MIT
#include "product/keyring_aws/tried_kms_keys.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

constexpr Millis kMaxAge{600000};
constexpr size_t kMaxTrials = 16;

}  // namespace

void TriedKmsKeys::Add(RegionalKmsKey key,
                       std::set<std::string> wrapping_keys) {
  const std::lock_guard lock(mutex_);
  std::erase_if(trials_, [&](const Trial& one) { return one.key == key; });
  if (trials_.size() == kMaxTrials) trials_.erase(trials_.begin());
  trials_.push_back(
      {std::move(key), std::move(wrapping_keys), clock_.Steady()});
}

bool TriedKmsKeys::Covers(const RegionalKmsKey& key,
                          const std::set<std::string>& wrapping_keys) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(trials_, [&](const Trial& one) {
    return one.key == key && clock_.Steady() - one.time <= kMaxAge &&
           std::ranges::includes(one.wrapping_keys, wrapping_keys);
  });
}

}  // namespace openkeyring
