// SPDX-License-Identifier: MIT
#include "product/metrics.h"

#include <algorithm>
#include <chrono>

#include "base/secret_arena.h"

namespace openkeyring {
namespace {

using Value = MetricValues::Value;

void AddTo(Value& sum, uint64_t count) {
  sum = sum.value_or(0) + static_cast<int64_t>(count);
}

int64_t Seconds(WallTime::duration time) {
  return std::chrono::floor<std::chrono::seconds>(time).count();
}

void KeepLeast(Value& least, int64_t number) {
  least = std::min(least.value_or(number), number);
}

// A clock that was set back does not make a time to come of one that has been.
void KeepNewest(Value& seconds_ago, const std::optional<WallTime>& time,
                WallTime now) {
  if (!time) return;
  KeepLeast(seconds_ago, std::max<int64_t>(0, Seconds(now - *time)));
}

}  // namespace

std::string MetricText(const Metric& metric, const MetricValues& values) {
  const Value& value = values.*metric.value;
  return value ? std::to_string(*value) : "";
}

void AddCalls(const CallStatistics& seen, WallTime now, MetricValues& values) {
  AddTo(values.requests, seen.requests);
  AddTo(values.retries, seen.retries);
  AddTo(values.errors, seen.errors);
  KeepNewest(values.last_success, seen.last_success_time, now);
  KeepNewest(values.last_error, seen.last_error_time, now);
  AddTo(values.request_milliseconds_sum,
        static_cast<uint64_t>(seen.waited.count() / 1000));
  if (const auto reachable = seen.reachable()) {
    values.key_server_reachable =
        std::max<int64_t>(values.key_server_reachable.value_or(0), *reachable);
  }
  if (seen.key_state) {
    values.kms_key_state = std::max(values.kms_key_state.value_or(0),
                                    static_cast<int64_t>(*seen.key_state));
  }
}

void AddExpiration(const std::optional<WallTime>& expiration, WallTime now,
                   Value& seconds_left) {
  if (expiration) KeepLeast(seconds_left, Seconds(*expiration - now));
}

void AddKeyCounts(const VersionedKeys::Counts& counts, MetricValues& values) {
  values.loaded = counts.versions_failed == 0 ? 1 : 0;
  values.keys = static_cast<int64_t>(counts.ids);
  values.keys_failed = static_cast<int64_t>(counts.versions_failed);
}

void AddSlots(const SlotSummary& slots, MetricValues& values) {
  values.slots = static_cast<int64_t>(slots.slots);
  values.slots_opening = static_cast<int64_t>(slots.opening);
  values.slots_failed = static_cast<int64_t>(slots.failed_count);
  values.slots_missing = static_cast<int64_t>(slots.missing_count);
  values.opened_by_local_slot = slots.opened_by_local_slot ? 1 : 0;
}

void AddSecretMemory(MetricValues& values) {
  const SecretMemory memory = SecretArena::Instance().Usage();
  values.secret_memory = static_cast<int64_t>(memory.used);
  values.secret_memory_unlocked =
      static_cast<int64_t>(memory.used - memory.locked);
}

}  // namespace openkeyring
