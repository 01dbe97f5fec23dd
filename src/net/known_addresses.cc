// SPDX-License-Identifier: MIT
#include "net/known_addresses.h"

#include <algorithm>

namespace openkeyring {
namespace {

constexpr size_t kMostAddresses = 4;
constexpr std::chrono::minutes kResolveAgainAfter{1};

}  // namespace

void KnownAddresses::Answered(const std::string& host,
                              const std::string& address) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string>& addresses = hosts_[host].addresses;
  if (!addresses.empty() && addresses.front() == address) return;
  std::erase(addresses, address);
  addresses.insert(addresses.begin(), address);
  addresses.resize(std::min(addresses.size(), kMostAddresses));
}

void KnownAddresses::NotResolved(const std::string& host) {
  const std::lock_guard lock(mutex_);
  hosts_[host].resolve_again = clock_.Steady() + kResolveAgainAfter;
}

void KnownAddresses::Forget(const std::string& host) {
  const std::lock_guard lock(mutex_);
  hosts_.erase(host);
}

std::vector<std::string> KnownAddresses::Of(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? std::vector<std::string>()
                               : found->second.addresses;
}

bool KnownAddresses::ReplaceResolving(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(host);
  return found != hosts_.end() && !found->second.addresses.empty() &&
         clock_.Steady() < found->second.resolve_again;
}

}  // namespace openkeyring
