// SPDX-License-Identifier: MIT
#include "kmip/server_list.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace openkeyring {
namespace {

constexpr Millis kFirstPause{1000}, kLongestPause{60000};

}  // namespace

KmipServerList::KmipServerList(std::vector<Endpoint> servers,
                               const Clock& clock, size_t max_batch)
    : servers_(std::move(servers)), clock_(clock) {
  facts_.resize(servers_.size());
  for (Facts& facts : facts_) {
    facts.batch_limit = std::max<size_t>(1, max_batch);
  }
}

std::vector<size_t> KmipServerList::Order() const {
  std::vector<size_t> order(servers_.size());
  std::iota(order.begin(), order.end(), 0);
  const SteadyTime now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  // Servers whose time is over count alike: the user's order decides.
  std::ranges::stable_sort(order, {}, [&](size_t server) {
    return std::max(now, facts_[server].passed_over_until);
  });
  return order;
}

bool KmipServerList::RecordSuccess(size_t server) {
  const std::lock_guard lock(mutex_);
  const bool news = current_ != server || facts_[server].failures > 0;
  facts_[server].failures = 0;
  facts_[server].passed_over_until = {};
  current_ = server;
  return news;
}

bool KmipServerList::RecordFailure(size_t server, const Status& error) {
  const std::lock_guard lock(mutex_);
  Facts& facts = facts_[server];
  const Millis pause = kFirstPause * (1 << std::min(facts.failures, 6));
  ++facts.failures;
  facts.passed_over_until = clock_.Steady() + std::min(pause, kLongestPause);
  last_error_ = error;
  return facts.failures == 1;
}

void KmipServerList::RecordNoVerdict(size_t server, const Status& error) {
  const std::lock_guard lock(mutex_);
  SteadyTime& until = facts_[server].passed_over_until;
  until = std::max(until, clock_.Steady() + kFirstPause);
  last_error_ = error;
}

void KmipServerList::RecordWrong(size_t server) {
  const std::lock_guard lock(mutex_);
  facts_[server].passed_over_until = clock_.Steady() + kLongestPause;
}

std::optional<size_t> KmipServerList::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Status KmipServerList::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

std::optional<KmipVersion> KmipServerList::Version(size_t server) const {
  const std::lock_guard lock(mutex_);
  return facts_[server].version;
}

void KmipServerList::SetVersion(size_t server,
                                std::optional<KmipVersion> version) {
  const std::lock_guard lock(mutex_);
  facts_[server].version = version;
}

size_t KmipServerList::BatchLimit(size_t server) const {
  const std::lock_guard lock(mutex_);
  return facts_[server].batch_limit;
}

void KmipServerList::LowerBatchLimit(size_t server, size_t limit) {
  const std::lock_guard lock(mutex_);
  size_t& current = facts_[server].batch_limit;
  current = std::max<size_t>(1, std::min(current, limit));
}

}  // namespace openkeyring
