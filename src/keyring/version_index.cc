// SPDX-License-Identifier: MIT
#include "keyring/version_index.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace openkeyring {
namespace {

constexpr Millis kFirstPause{1000}, kLongestPause{5000};
// A timeout that took this long: the key server hangs.
constexpr Millis kHang{500};
constexpr size_t kMaxFailures = 4096;  // Remembered at a time.

Millis PauseAfter(int failures) {
  const int doublings = std::clamp(failures - 1, 0, 8);
  return std::min(kLongestPause, kFirstPause * (1 << doublings));
}

}  // namespace

std::string ToString(KeyVersion key) {
  return "version " + std::to_string(key.version) + " of key " +
         std::to_string(key.id);
}

VersionIndex::VersionIndex(const LoadedKeys& loaded, Clock& clock)
    : loaded_(loaded), clock_(clock) {}

void VersionIndex::Add(const std::vector<KeyVersion>& stored) {
  const std::lock_guard lock(mutex_);
  for (const KeyVersion key : stored) known_[key.id].insert(key.version);
}

bool VersionIndex::Contains(KeyVersion key) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key.id);
  return found != known_.end() && found->second.contains(key.version);
}

bool VersionIndex::empty() const {
  const std::lock_guard lock(mutex_);
  return known_.empty();
}

uint32_t VersionIndex::Highest(uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(id);
  return found == known_.end() ? 0 : *found->second.rbegin();
}

std::vector<uint32_t> VersionIndex::Ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint32_t> ids;
  for (const auto& [id, versions] : known_) ids.push_back(id);
  return ids;
}

Status VersionIndex::PausedFailure(KeyVersion key) const {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  const auto failed = failures_.find(key);
  if (failed != failures_.end() && now < failed->second.next_try) {
    return failed->second.status;
  }
  if (now >= hang_.next_try) return Status::Ok();
  return hang_.status.WithContext(
      "not tried, since the key server did not answer a moment ago");
}

Status VersionIndex::LastFailure(KeyVersion key) const {
  const std::lock_guard lock(mutex_);
  const auto failed = failures_.find(key);
  return failed == failures_.end() ? Status::Ok() : failed->second.status;
}

void VersionIndex::RememberFailure(KeyVersion key, const Status& status,
                                   Millis took) {
  const std::lock_guard lock(mutex_);
  DropOldFailuresLocked();
  const SteadyTime now = clock_.Steady();
  Failure& failure = failures_[key];
  failure.status = status;
  failure.next_try = now + PauseAfter(++failure.count);
  if (!status.IsTransient()) {
    hang_ = {};
  } else if (status.code() == StatusCode::kTimeout && took >= kHang) {
    hang_.status = status;
    hang_.next_try = now + PauseAfter(++hang_.count);
  }
}

void VersionIndex::DropOldFailuresLocked() {
  if (failures_.size() < kMaxFailures) return;
  std::erase_if(failures_, [&](const auto& item) {
    return !known_.contains(item.first.id) &&
           item.second.next_try < clock_.Steady();
  });
}

void VersionIndex::RememberSuccess(KeyVersion key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
  hang_ = {};
}

void VersionIndex::EndPauses() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, failure] : failures_) failure.next_try = {};
  hang_ = {};
}

std::vector<KeyVersion> VersionIndex::Pending() const {
  using Rank = std::tuple<int, uint32_t, uint32_t>;
  std::vector<std::pair<Rank, KeyVersion>> ranked;
  for (const KeyVersion key : NotLoaded()) {
    const std::lock_guard lock(mutex_);
    const auto failed = failures_.find(key);
    const bool tried = failed != failures_.end();
    if (tried && !failed->second.status.IsTransient()) continue;
    ranked.push_back(
        {{tried ? failed->second.count : 0, ~key.version, key.id}, key});
  }
  std::ranges::sort(ranked);
  std::vector<KeyVersion> pending;
  for (const auto& [rank, key] : ranked) pending.push_back(key);
  return pending;
}

std::vector<KeyVersion> VersionIndex::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<KeyVersion> all;
  for (const auto& [id, versions] : known_) {
    for (const uint32_t version : versions) all.push_back({id, version});
  }
  return all;
}

std::vector<KeyVersion> VersionIndex::NotLoaded() const {
  std::vector<KeyVersion> missing = All();
  std::erase_if(missing,
                [&](KeyVersion key) { return loaded_.Find(key) != nullptr; });
  return missing;
}

VersionIndex::Counts VersionIndex::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts;
  counts.ids = known_.size();
  size_t known = 0;
  for (const auto& [id, versions] : known_) known += versions.size();
  counts.versions_loaded = loaded_.versions();
  counts.versions_failed = known - std::min(known, counts.versions_loaded);
  return counts;
}

}  // namespace openkeyring
