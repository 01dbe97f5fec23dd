// SPDX-License-Identifier: MIT
#include "os/parallel.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace openkeyring {
namespace {

// New threads inherit the mask of the thread that makes them.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

void RunParallel(size_t count, size_t workers,
                 const std::function<void(size_t)>& job) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) job(i);
  };
  std::vector<std::jthread> threads;
  {
    const AllSignalsBlocked blocked;
    const size_t helpers = std::min(workers, count);
    threads.reserve(helpers);
    try {
      while (threads.size() + 1 < helpers) threads.emplace_back(work);
    } catch (const std::system_error&) {
      // The system gives no more threads: those there are do it all.
    }
  }
  work();
}

}  // namespace openkeyring
