// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_HANDLE_POOL_H_
#define OPENKEYRING_NET_HANDLE_POOL_H_

#include <curl/curl.h>
#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "os/clock.h"

namespace openkeyring {

// Bounded set of libcurl's easy handles, each with its open connections. The
// most recently used goes out first, so that a light load stays on few, warm
// connections. In a forked child it starts empty.
//
// Threads: all methods may be called concurrently.
class HandlePool {
 public:
  explicit HandlePool(int limit);
  ~HandlePool();
  HandlePool(const HandlePool&) = delete;
  HandlePool& operator=(const HandlePool&) = delete;

  // Null when none came free in time. Without any option set.
  CURL* Take(const Deadline& deadline);
  void Give(CURL* handle);

 private:
  // In a child of the process that made them, the handles share sockets with
  // the parent; even closing them properly would disturb it. Leave them be.
  void ForgetParents();

  const int limit_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<CURL*> idle_;
  int made_ = 0;
  pid_t owner_;
};

// A handle for the time of one exchange.
class Lease {
 public:
  Lease(HandlePool& pool, const Deadline& deadline)
      : pool_(pool), handle_(pool.Take(deadline)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (handle_ != nullptr) pool_.Give(handle_);
  }
  CURL* get() const { return handle_; }  // May be null.

 private:
  HandlePool& pool_;
  CURL* handle_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_HANDLE_POOL_H_
