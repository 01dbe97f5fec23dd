// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_FAILURE_LOG_H_
#define OPENKEYRING_SERVER_FAILURE_LOG_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "base/log.h"
#include "base/status.h"
#include "server/log_throttle.h"

namespace openkeyring {

// Whether a failure is an ordinary answer of the keyring's own rules: no such
// key, a name that is taken, an argument that makes no sense. A user of SQL
// functions gets these by trying, so they are notes, which MySQL hides by
// default. What a key server or a file refuses is never ordinary: the keyring
// gives such a refusal another code (keyring/refusal.h).
bool IsOrdinaryFailure(const Status& status);

// Writes failures for which a server's interface has only a number, each with
// its reason: at level kNote when ordinary, else kError; the same line not
// again within ten seconds. Threads: all methods may be called concurrently.
class FailureLog {
 public:
  // Both are borrowed.
  FailureLog(Log& log, Clock& clock) : log_(log), throttle_(clock) {}

  void Write(const Status& failure);
  // So far, without the ordinary ones.
  int64_t count() const { return count_; }

 private:
  std::atomic<int64_t> count_{0};
  Log& log_;
  LogThrottle throttle_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_FAILURE_LOG_H_
