// SPDX-License-Identifier: MIT
#include "os/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

class SingleFlightTest : public testing::Test {
 protected:
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }
  void WaitUntilRunning(int key) {
    while (!flights_.IsRunning(key)) std::this_thread::yield();
  }

  ManualClock clock_;
  SingleFlight<int, int> flights_{clock_};
};

TEST_F(SingleFlightTest, CallersOfOneKeyShareOneRun) {
  std::latch release(1);
  std::atomic<int> runs{0}, right{0};
  {
    std::vector<std::jthread> threads;
    std::jthread first([&] {
      flights_.Run(1, Soon(), [&] {
        release.wait();
        ++runs;
        return 7;
      });
    });
    WaitUntilRunning(1);
    std::latch waiting(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        waiting.count_down();
        const auto outcome = flights_.Run(1, Soon(), [&] {
          ++runs;
          return 7;
        });
        if (outcome == 7) ++right;
      });
    }
    waiting.wait();
    std::this_thread::sleep_for(Millis(20));
    release.count_down();
  }
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(right, 4);
}

TEST_F(SingleFlightTest, AnotherKeyIsNotDelayed) {
  std::latch release(1);
  std::jthread slow([&] {
    flights_.Run(1, Soon(), [&] {
      release.wait();
      return 1;
    });
  });
  WaitUntilRunning(1);
  EXPECT_EQ(flights_.Run(2, Soon(), [] { return 2; }), 2);
  release.count_down();
}

TEST_F(SingleFlightTest, ACallerWaitsNoLongerThanItsDeadline) {
  std::latch release(1);
  std::jthread slow([&] {
    flights_.Run(1, Soon(), [&] {
      release.wait();
      return 1;
    });
  });
  WaitUntilRunning(1);
  const Deadline now = Deadline::After(clock_, Millis(0));
  EXPECT_EQ(flights_.Run(1, now, [] { return 2; }), std::nullopt);
  release.count_down();
}

TEST_F(SingleFlightTest, WorkThatThrowsLetsTheWaitingGo) {
  std::latch release(1);
  std::atomic<bool> thrown{false};
  std::jthread first([&] {
    try {
      flights_.Run(1, Soon(), [&]() -> int {
        release.wait();
        throw std::runtime_error("a library's");
      });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
  });
  WaitUntilRunning(1);
  std::jthread second([&] {
    EXPECT_EQ(flights_.Run(1, Soon(), [] { return 2; }).value_or(2), 2);
  });
  release.count_down();
  first.join();
  second.join();
  EXPECT_TRUE(thrown);
  EXPECT_FALSE(flights_.IsRunning(1));
}

TEST_F(SingleFlightTest, TheNextCallRunsAgain) {
  EXPECT_EQ(flights_.Run(1, Soon(), [] { return 1; }), 1);
  EXPECT_EQ(flights_.Run(1, Soon(), [] { return 2; }), 2);
}

}  // namespace
}  // namespace openkeyring
