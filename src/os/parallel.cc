// SPDX-License-Identifier: MIT
#include "os/parallel.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
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

// The first exception of several threads.
class FirstException {
 public:
  void Keep(std::exception_ptr exception) {
    const std::lock_guard lock(mutex_);
    if (first_ == nullptr) first_ = std::move(exception);
  }
  void Rethrow() const {
    if (first_ != nullptr) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace

void RunParallel(size_t count, size_t workers,
                 const std::function<void(size_t)>& job) {
  std::atomic<size_t> next{0};
  FirstException exception;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        job(i);
      } catch (...) {
        exception.Keep(std::current_exception());
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      const AllSignalsBlocked blocked;
      const size_t helpers = std::min(workers, count);
      threads.reserve(helpers);
      while (threads.size() + 1 < helpers) threads.emplace_back(work);
    } catch (const std::exception&) {
      // The system gives no more threads: those there are do it all.
    }
    work();
  }
  exception.Rethrow();
}

}  // namespace openkeyring
