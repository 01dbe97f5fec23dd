// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_KMS_STATISTICS_H_
#define OPENKEYRING_AWS_KMS_STATISTICS_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/status.h"
#include "os/clock.h"

namespace openkeyring {

// What the client has seen, for status variables. Counts since its making.
struct KmsStatistics {
  uint64_t requests = 0;  // HTTP exchanges begun, retries included.
  uint64_t retries = 0;
  uint64_t errors = 0;  // Operations that failed in the end.
  std::string last_error;
  std::optional<WallTime> last_error_time;
  std::optional<WallTime> last_success_time;
  std::string endpoint;  // Last used; "" before the first request.
};

// Keeps them. Threads: all methods may be called concurrently.
class KmsStatisticsKeeper {
 public:
  // An exchange begins.
  void Request(const std::string& endpoint);
  void Retry();
  // An operation is over, for good or bad.
  void Outcome(const Status& status, WallTime now);
  KmsStatistics Get() const;

 private:
  mutable std::mutex mutex_;
  KmsStatistics statistics_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_KMS_STATISTICS_H_
