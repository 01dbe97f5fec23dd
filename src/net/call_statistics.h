// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_CALL_STATISTICS_H_
#define OPENKEYRING_NET_CALL_STATISTICS_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/status.h"
#include "os/clock.h"

namespace openkeyring {

// What a key server said of the key that wraps ours. The numbers are a promise:
// alerts use them (docs/monitoring.md). The higher, the worse.
enum class WrappingKeyState {
  kUsable = 1,
  kDenied = 2,    // This identity may not use it.
  kDisabled = 3,  // Can be enabled.
  kUnusable = 4,  // Pending deletion, or without key material.
  kMissing = 5,   // Not in this region and account.
};

// What the client of a key server has seen, for status variables and metrics.
// Counts since its making.
struct CallStatistics {
  uint64_t requests = 0;  // Exchanges begun, retries included.
  uint64_t retries = 0;
  uint64_t errors = 0;                  // Operations that failed in the end.
  uint64_t throttled = 0;               // Answers that ask for fewer requests.
  std::chrono::microseconds waited{0};  // For the answers of all requests.
  std::string last_error;
  std::optional<WallTime> last_error_time;
  std::optional<WallTime> last_success_time;
  std::string endpoint;  // Last used; "" before the first request.
  // Of the last answer that says something about it.
  std::optional<WrappingKeyState> key_state;

  // Whether the last operation succeeded; nothing before the first one.
  std::optional<bool> reachable() const;
};

// Keeps them. Threads: all methods may be called concurrently; the lock is
// short, and never held during I/O.
class CallStatisticsKeeper {
 public:
  // An exchange begins.
  void Request(const std::string& endpoint);
  // It is over, with an answer or without one.
  void Waited(SteadyTime::duration time);
  void Retry();
  void Throttled();
  void KeyIs(WrappingKeyState state);
  // A throttled operation that its batch repeats, or gives up together with the
  // others: not an error of its own. Its reason is kept for the latter.
  void LeftToItsBatch(const Status& status);
  // An operation is over, for good or bad.
  void Outcome(const Status& status, WallTime now);
  CallStatistics Get() const;

 private:
  mutable std::mutex mutex_;
  CallStatistics statistics_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_CALL_STATISTICS_H_
