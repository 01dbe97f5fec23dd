// SPDX-License-Identifier: MIT
#include "net/call_statistics.h"

namespace openkeyring {

std::optional<bool> CallStatistics::reachable() const {
  if (!last_success_time && !last_error_time) return std::nullopt;
  return last_success_time && last_success_time >= last_error_time;
}

void CallStatisticsKeeper::Request(const std::string& endpoint) {
  const std::lock_guard lock(mutex_);
  ++statistics_.requests;
  statistics_.endpoint = endpoint;
}

void CallStatisticsKeeper::Waited(SteadyTime::duration time) {
  const std::lock_guard lock(mutex_);
  statistics_.waited +=
      std::chrono::duration_cast<std::chrono::microseconds>(time);
}

void CallStatisticsKeeper::Retry() {
  const std::lock_guard lock(mutex_);
  ++statistics_.retries;
}

void CallStatisticsKeeper::Throttled() {
  const std::lock_guard lock(mutex_);
  ++statistics_.throttled;
}

void CallStatisticsKeeper::KeyIs(WrappingKeyState state) {
  const std::lock_guard lock(mutex_);
  statistics_.key_state = state;
}

void CallStatisticsKeeper::LeftToItsBatch(const Status& status) {
  const std::lock_guard lock(mutex_);
  statistics_.last_error = status.message();
}

void CallStatisticsKeeper::Outcome(const Status& status, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (status.ok()) {
    statistics_.last_success_time = now;
    return;
  }
  ++statistics_.errors;
  statistics_.last_error = status.message();
  statistics_.last_error_time = now;
}

CallStatistics CallStatisticsKeeper::Get() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

}  // namespace openkeyring
