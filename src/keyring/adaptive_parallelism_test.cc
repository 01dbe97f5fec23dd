// SPDX-License-Identifier: MIT
#include "keyring/adaptive_parallelism.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <vector>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

constexpr Millis kLong{1000000};

class AdaptiveParallelismTest : public testing::Test {
 protected:
  Millis Elapsed() const {
    return std::chrono::duration_cast<Millis>(clock_.Steady() -
                                              ManualClock().Steady());
  }
  BatchEnd Run(size_t count, Millis time,
               const std::function<Status(size_t)>& job) {
    return RunAdaptive(count, parallelism_, clock_,
                       Deadline::After(clock_, time), job);
  }

  ManualClock clock_;
  FakeRandom random_;
  AdaptiveParallelism parallelism_{16, random_};
};

// ---- The states
// --------------------------------------------------------------

TEST_F(AdaptiveParallelismTest, IsFullUntilTheFirstThrottling) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(parallelism_.parallelism(), 16u);
    EXPECT_EQ(parallelism_.RoundSize(100000), 100000u);
    parallelism_.AfterSuccess();
  }
}

TEST_F(AdaptiveParallelismTest, HalvesToOneAndRecoversByOne) {
  for (const size_t expected : {8u, 4u, 2u, 1u, 1u}) {
    (void)parallelism_.AfterThrottle(kLong);
    EXPECT_EQ(parallelism_.parallelism(), expected);
    EXPECT_EQ(parallelism_.RoundSize(1000), 8 * expected);
    EXPECT_EQ(parallelism_.RoundSize(3), 3u);
  }
  for (size_t expected = 2; expected < 16; ++expected) {
    parallelism_.AfterSuccess();
    EXPECT_EQ(parallelism_.parallelism(), expected);
    EXPECT_EQ(parallelism_.RoundSize(1000), 8 * expected);
  }
  parallelism_.AfterSuccess();
  EXPECT_EQ(parallelism_.parallelism(), 16u);
  EXPECT_EQ(parallelism_.RoundSize(100000), 100000u) << "full again";
}

TEST_F(AdaptiveParallelismTest, OneCallAtOnceIsSlowedDownToo) {
  AdaptiveParallelism one(1, random_);
  EXPECT_EQ(one.RoundSize(1000), 1000u);
  (void)one.AfterThrottle(kLong);
  EXPECT_EQ(one.parallelism(), 1u);
  EXPECT_EQ(one.RoundSize(1000), 8u);
  one.AfterSuccess();
  EXPECT_EQ(one.RoundSize(1000), 1000u);
  EXPECT_EQ(AdaptiveParallelism(0, random_).parallelism(), 1u);
}

TEST_F(AdaptiveParallelismTest, PausesAreRandomAndDoubleAndRecover) {
  ThrottlePause pause(random_);
  for (const int expected : {500, 1000, 2000, 4000, 8000, 16000, 16000}) {
    EXPECT_EQ(pause.AfterThrottle(kLong), Millis(expected));
  }
  pause.AfterSuccess();
  EXPECT_EQ(pause.AfterThrottle(kLong), Millis(8000));
  for (int i = 0; i < 9; ++i) pause.AfterSuccess();
  EXPECT_TRUE(pause.IsShortest());
  EXPECT_EQ(pause.AfterThrottle(kLong), Millis(500));
  EXPECT_FALSE(pause.IsShortest());
  random_.fraction = 0;
  EXPECT_EQ(pause.AfterThrottle(kLong), Millis(50)) << "never none";
}

TEST_F(AdaptiveParallelismTest, PausesUseTheTimeThatIsLeft) {
  ThrottlePause pause(random_);
  for (int i = 0; i < 6; ++i) (void)pause.AfterThrottle(kLong);
  EXPECT_EQ(pause.AfterThrottle(Millis(3000)), Millis(1500));
  EXPECT_EQ(pause.AfterThrottle(Millis(10)), Millis(50));
}

// A model beside it: any sequence of outcomes.
TEST_F(AdaptiveParallelismTest, FollowsItsModel) {
  std::mt19937 random(20261129);
  for (const size_t most : {1u, 2u, 5u, 16u, 128u}) {
    AdaptiveParallelism real(most, random_);
    size_t now = most, doublings = 0;
    bool full = true;
    for (int step = 0; step < 5000; ++step) {
      ASSERT_EQ(real.parallelism(), now);
      ASSERT_EQ(real.RoundSize(9999), full ? 9999u : now * 8) << step;
      if (random() % 4 == 0) {
        ASSERT_EQ(real.AfterThrottle(kLong), Millis(500 << doublings));
        now = std::max<size_t>(1, now / 2);
        doublings = std::min<size_t>(doublings + 1, 5);
        full = false;
      } else {
        real.AfterSuccess();
        now = std::min(most, now + 1);
        doublings -= doublings > 0 ? 1 : 0;
        full = full || (now == most && doublings == 0);
      }
    }
  }
}

// ---- Rounds
// ------------------------------------------------------------------

TEST_F(AdaptiveParallelismTest, WithoutThrottlingThereIsOneRoundAndNoPause) {
  std::vector<std::atomic<int>> calls(1000);
  random_.fraction = 0.9;
  const BatchEnd end = Run(calls.size(), Millis(0), [&](size_t i) -> Status {
    ++calls[i];
    if (i % 3 == 0) return {StatusCode::kUnavailable, "away"};
    return i % 3 == 1 ? Status::Ok() : Status(StatusCode::kCorrupt, "bad");
  });
  EXPECT_EQ(end, BatchEnd::kComplete);
  for (const auto& count : calls) EXPECT_EQ(count, 1);
  EXPECT_TRUE(clock_.sleeps().empty());
  EXPECT_EQ(parallelism_.RoundSize(5000), 5000u);
  EXPECT_EQ(Run(0, Millis(0), [](size_t) { return Status::Ok(); }),
            BatchEnd::kComplete);
}

TEST_F(AdaptiveParallelismTest, OnlyWhatWasThrottledIsRepeated) {
  std::vector<std::atomic<int>> calls(200);
  const BatchEnd end = Run(calls.size(), kLong, [&](size_t i) {
    return ++calls[i] == 1 && i % 50 == 7
               ? Status(StatusCode::kThrottled, "slower")
               : Status::Ok();
  });
  EXPECT_EQ(end, BatchEnd::kComplete);
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i], i % 50 == 7 ? 2 : 1) << i;
  }
}

TEST_F(AdaptiveParallelismTest, ThrottlingEndsTheRound) {
  AdaptiveParallelism one(1, random_);
  std::vector<size_t> order;
  const BatchEnd end = RunAdaptive(
      5, one, clock_, Deadline::After(clock_, kLong), [&](size_t i) -> Status {
        order.push_back(i);
        if (order.size() == 2) return {StatusCode::kThrottled, "slower"};
        EXPECT_EQ(clock_.sleeps().size(), order.size() < 2 ? 0u : 1u);
        return Status::Ok();
      });
  EXPECT_EQ(end, BatchEnd::kComplete);
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 1, 2, 3, 4}));
}

TEST_F(AdaptiveParallelismTest, ThrottlingWithoutEndEndsWithTheTime) {
  for (const double fraction : {0.0, 0.5, 0.999}) {
    for (const int time : {0, 40, 1000, 60000}) {
      random_.fraction = fraction;
      const Millis before = Elapsed();
      const BatchEnd end = Run(100, Millis(time), [](size_t) {
        return Status(StatusCode::kThrottled, "slower");
      });
      EXPECT_EQ(end, BatchEnd::kOutOfTime);
      EXPECT_LE(Elapsed() - before, Millis(time));
      EXPECT_GE(Elapsed() - before, Millis(time - 100)) << fraction;
    }
  }
}

// A key server that allows 50 calls a second, with a reserve of 50, and takes
// 20 ms for each: time moves by what the calls of a round share.
TEST_F(AdaptiveParallelismTest, StaysNearTheRateThatTheServerAllows) {
  constexpr size_t kCalls = 1000;
  std::mutex mutex;
  double tokens = 50;
  Millis seen{0};
  size_t throttled = 0, done = 0;
  random_.fraction = 0.5;
  const BatchEnd end = Run(kCalls, Millis(600000), [&](size_t) -> Status {
    const std::lock_guard lock(mutex);
    clock_.Advance(Millis(20 / parallelism_.parallelism()));
    tokens = std::min(
        50.0, tokens + 0.05 * static_cast<double>((Elapsed() - seen).count()));
    seen = Elapsed();
    if (tokens < 1) {
      ++throttled;
      return {StatusCode::kThrottled, "slower"};
    }
    --tokens;
    ++done;
    return Status::Ok();
  });
  EXPECT_EQ(end, BatchEnd::kComplete);
  EXPECT_EQ(done, kCalls);
  EXPECT_LT(throttled, kCalls / 4);
  EXPECT_LT(Elapsed(), Millis(3 * 20000)) << "20 s would be the ideal";
}

}  // namespace
}  // namespace openkeyring
