// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_COUNTERS_H_
#define OPENKEYRING_EMULATORS_SHARED_COUNTERS_H_

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

namespace emulators {

using Json = nlohmann::json;

// What has happened since the start or the last reset, exactly. Gauges (what is
// open now) survive a reset. Threads: all methods may be called concurrently.
class Counters {
 public:
  void ConnectionOpened() { Add(accepted_connections_, open_connections_); }
  void ConnectionClosed() { Sub(open_connections_); }
  void HandshakeDone(bool resumed) {
    std::lock_guard lock(mutex_);
    ++tls_handshakes_;
    if (resumed) ++tls_resumed_;
  }
  void HandshakeFailed() {
    std::lock_guard lock(mutex_);
    ++tls_failed_handshakes_;
  }
  void RequestStarted() {
    std::lock_guard lock(mutex_);
    ++requests_;
    max_concurrent_ = std::max(max_concurrent_, ++open_requests_);
  }
  void RequestEnded() { Sub(open_requests_); }
  // When the request is known for an operation; the answer may never come.
  void OperationCalled(const std::string& operation) {
    std::lock_guard lock(mutex_);
    ++operations_[operation];
  }
  void OperationFailed(const std::string& operation, const std::string& code) {
    std::lock_guard lock(mutex_);
    ++errors_[operation];
    ++error_codes_[code];
  }
  void FaultApplied(const std::string& kind) {
    std::lock_guard lock(mutex_);
    ++faults_[kind];
  }

  Json ToJson() const {
    std::lock_guard lock(mutex_);
    return {{"operations", operations_},
            {"errors", errors_},
            {"error_codes", error_codes_},
            {"faults", faults_},
            {"requests", requests_},
            {"accepted_connections", accepted_connections_},
            {"open_connections", open_connections_},
            {"tls_handshakes", tls_handshakes_},
            {"tls_resumed", tls_resumed_},
            {"tls_failed_handshakes", tls_failed_handshakes_},
            {"open_requests", open_requests_},
            {"max_concurrent_requests", max_concurrent_}};
  }
  void Reset() {
    std::lock_guard lock(mutex_);
    for (auto* map : {&operations_, &errors_, &error_codes_, &faults_}) {
      map->clear();
    }
    requests_ = accepted_connections_ = tls_handshakes_ = 0;
    tls_resumed_ = tls_failed_handshakes_ = 0;
    max_concurrent_ = open_requests_;
  }

 private:
  void Add(int64_t& total, int64_t& gauge) {
    std::lock_guard lock(mutex_);
    ++total;
    ++gauge;
  }
  void Sub(int64_t& gauge) {
    std::lock_guard lock(mutex_);
    --gauge;
  }

  mutable std::mutex mutex_;
  std::map<std::string, int64_t> operations_, errors_, error_codes_, faults_;
  int64_t requests_ = 0;
  int64_t accepted_connections_ = 0;
  int64_t open_connections_ = 0;
  int64_t tls_handshakes_ = 0;
  int64_t tls_resumed_ = 0;
  int64_t tls_failed_handshakes_ = 0;
  int64_t open_requests_ = 0;
  int64_t max_concurrent_ = 0;
};

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_COUNTERS_H_
