// SPDX-License-Identifier: MIT
#include "aws/kms_statistics.h"

namespace openkeyring {

void KmsStatisticsKeeper::Request(const std::string& endpoint) {
  std::lock_guard lock(mutex_);
  ++statistics_.requests;
  statistics_.endpoint = endpoint;
}

void KmsStatisticsKeeper::Retry() {
  std::lock_guard lock(mutex_);
  ++statistics_.retries;
}

void KmsStatisticsKeeper::Outcome(const Status& status, WallTime now) {
  std::lock_guard lock(mutex_);
  if (status.ok()) {
    statistics_.last_success_time = now;
    return;
  }
  ++statistics_.errors;
  statistics_.last_error = status.message();
  statistics_.last_error_time = now;
}

KmsStatistics KmsStatisticsKeeper::Get() const {
  std::lock_guard lock(mutex_);
  return statistics_;
}

}  // namespace openkeyring
