// SPDX-License-Identifier: MIT
#include "os/hedged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;

class RunHedgedTest : public testing::Test {
 protected:
  // Runs `count` attempts that are noted in the order in which they start.
  std::optional<size_t> Run(size_t count, Millis patience,
                            const std::function<bool(size_t)>& attempt) {
    return RunHedged(count, clock_, patience,
                     [&](size_t index, const Cancellation& end) {
                       cancellation_ = &end;
                       {
                         const std::lock_guard lock(mutex_);
                         started_.push_back(index);
                       }
                       return attempt(index);
                     });
  }
  // Until that one has started.
  void AwaitStart(size_t index) {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (std::ranges::find(started_, index) != started_.end()) return;
      }
      std::this_thread::yield();
    }
  }

  ManualClock clock_;
  std::mutex mutex_;
  std::vector<size_t> started_;
  std::atomic<const Cancellation*> cancellation_;
};

constexpr Millis kForever{1000 * 1000 * 1000};

TEST_F(RunHedgedTest, TheFirstSuccessIsEnough) {
  EXPECT_EQ(Run(3, kForever, [](size_t) { return true; }), 0u);
  EXPECT_THAT(started_, ElementsAre(0));
}

TEST_F(RunHedgedTest, AFailureStartsTheNextAtOnce) {
  EXPECT_EQ(Run(3, kForever, [](size_t index) { return index == 2; }), 2u);
  EXPECT_THAT(started_, ElementsAre(0, 1, 2));
}

TEST_F(RunHedgedTest, NoneSucceeds) {
  EXPECT_EQ(Run(3, kForever, [](size_t) { return false; }), std::nullopt);
  EXPECT_THAT(started_, ElementsAre(0, 1, 2));
  EXPECT_EQ(Run(0, kForever, [](size_t) { return true; }), std::nullopt);
}

TEST_F(RunHedgedTest, ASlowOneIsOvertaken) {
  const auto before = clock_.Steady();
  const auto winner = Run(3, Millis(1000), [&](size_t index) {
    if (index == 0) AwaitStart(1);
    return index == 1;
  });
  EXPECT_EQ(winner, 1u);
  EXPECT_GE(clock_.Steady() - before, Millis(1000));
}

// As a call to a server that hangs.
TEST_F(RunHedgedTest, TheOthersAreCancelledByASuccess) {
  const auto winner = Run(2, Millis(1000), [&](size_t index) {
    EXPECT_FALSE(index == 1 && cancellation_.load()->IsCancelled());
    while (index == 0 && !cancellation_.load()->IsCancelled()) {
      std::this_thread::yield();
    }
    return index == 1;
  });
  EXPECT_EQ(winner, 1u);
}

TEST_F(RunHedgedTest, AnExceptionIsAFailureAndIsThrownAtTheEnd) {
  EXPECT_THROW((void)Run(2, kForever,
                         [](size_t index) {
                           if (index == 0) throw std::runtime_error("no");
                           return true;
                         }),
               std::runtime_error);
  EXPECT_THAT(started_, ElementsAre(0, 1));
}

}  // namespace
}  // namespace openkeyring
