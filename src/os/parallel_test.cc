// SPDX-License-Identifier: MIT
#include "os/parallel.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <latch>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace openkeyring {
namespace {

ptrdiff_t ThreadsOfThisProcess() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(RunParallel, CallsEveryIndexOnce) {
  for (const size_t workers : {0u, 1u, 2u, 7u, 100u}) {
    std::vector<std::atomic<int>> calls(53);
    RunParallel(calls.size(), workers, [&](size_t i) { ++calls[i]; });
    for (const auto& count : calls) EXPECT_EQ(count, 1) << workers;
  }
}

TEST(RunParallel, OfNothingReturnsAtOnce) {
  RunParallel(0, 4, [](size_t) { FAIL(); });
}

TEST(RunParallel, RunsAsManyAtOnceAsItMayAndNotMore) {
  constexpr size_t kWorkers = 3;
  std::mutex mutex;
  std::condition_variable changed;
  size_t inside = 0, most = 0;
  bool met = false;
  RunParallel(20, kWorkers, [&](size_t) {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    met = met || inside == kWorkers;
    changed.notify_all();
    // The first ones wait for each other: they can meet only in parallel.
    changed.wait_for(lock, std::chrono::seconds(5), [&] { return met; });
    --inside;
  });
  EXPECT_EQ(most, kWorkers);
}

TEST(RunParallel, WorksInTheCallingThreadAlone) {
  const std::thread::id caller = std::this_thread::get_id();
  RunParallel(5, 1,
              [&](size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

// It used to end the process.
TEST(RunParallel, AnExceptionInAnyThreadIsThrownToTheCaller) {
  for (const size_t workers : {1u, 4u}) {
    for (size_t bad = 0; bad < 8; ++bad) {
      std::atomic<int> done = 0;
      EXPECT_THROW(RunParallel(8, workers,
                               [&](size_t i) {
                                 if (i == bad) throw std::bad_alloc();
                                 ++done;
                               }),
                   std::bad_alloc);
      EXPECT_EQ(done, 7) << workers << " " << bad;
    }
  }
}

TEST(RunParallel, AnExceptionInAHelperThreadIsThrownToTheCaller) {
  const std::thread::id caller = std::this_thread::get_id();
  std::latch both(2);
  EXPECT_THROW(RunParallel(2, 2,
                           [&](size_t) {
                             both.arrive_and_wait();
                             if (std::this_thread::get_id() != caller) {
                               throw std::bad_alloc();
                             }
                           }),
               std::bad_alloc);
}

TEST(RunParallel, OfSeveralExceptionsOneIsThrown) {
  EXPECT_THROW(
      RunParallel(
          20, 4, [](size_t i) { throw std::runtime_error(std::to_string(i)); }),
      std::runtime_error);
}

TEST(RunParallel, ItsThreadsTakeNoSignalsAndTheCallersMaskStays) {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const std::thread::id caller = std::this_thread::get_id();
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::thread::id> threads;
  RunParallel(4, 4, [&](size_t) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    const bool is_caller = std::this_thread::get_id() == caller;
    for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD}) {
      EXPECT_EQ(sigismember(&mask, signal),
                is_caller ? sigismember(&before, signal) : 1);
    }
    std::unique_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(5),
                     [&] { return threads.size() == 4; });
  });
  EXPECT_EQ(threads.size(), 4u);
  sigset_t after;
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

TEST(RunParallel, LeavesNoThread) {
  RunParallel(8, 4, [](size_t) {});
  const ptrdiff_t before = ThreadsOfThisProcess();
  for (int i = 0; i < 10; ++i) RunParallel(8, 4, [](size_t) {});
  EXPECT_LE(ThreadsOfThisProcess(), before);
}

}  // namespace
}  // namespace openkeyring
