// SPDX-License-Identifier: MIT
#include "product/load_retry.h"

#include <gtest/gtest.h>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

class LoadWithRetryTest : public testing::Test {
 protected:
  Status Load(bool is_first, int failures, StatusCode code) {
    calls_ = 0;
    return LoadWithRetry(clock_, random_, log_,
                         {is_first, Deadline::After(clock_, Millis(3000))},
                         [&]() -> Status {
                           if (++calls_ > failures) return Status::Ok();
                           return {code, "no"};
                         });
  }

  ManualClock clock_;
  FakeRandom random_;
  MemoryLog log_;
  int calls_ = 0;
};

TEST_F(LoadWithRetryTest, AFirstLoadIsRepeatedUntilItSucceeds) {
  EXPECT_TRUE(Load(true, 4, StatusCode::kUnavailable).ok());
  EXPECT_EQ(calls_, 5);
  EXPECT_EQ(log_.lines().size(), 1U);
}

TEST_F(LoadWithRetryTest, AFirstLoadEndsWithItsTime) {
  EXPECT_EQ(Load(true, 100, StatusCode::kTimeout).code(), StatusCode::kTimeout);
  EXPECT_LE(calls_, 7);
  EXPECT_GE(calls_, 5);
}

TEST_F(LoadWithRetryTest, ATryThatHadNoTimeDoesNotHideTheReason) {
  int calls = 0;
  const Status status = LoadWithRetry(
      clock_, random_, log_, {true, Deadline::After(clock_, Millis(1200))},
      [&calls]() -> Status {
        if (++calls == 1) return {StatusCode::kUnavailable, "cut off"};
        return {StatusCode::kTimeout, "no time"};
      });
  EXPECT_EQ(status.message(), "no time; the first try: cut off");
}

TEST_F(LoadWithRetryTest, AReloadSaysThatItsTimeIsOver) {
  const auto reload = [this](Millis takes, bool is_first = false) {
    const LoadRetryPolicy policy{
        is_first, Deadline::After(clock_, Millis(1000)), "reload_deadline_ms"};
    return LoadWithRetry(clock_, random_, log_, policy, [&]() -> Status {
      clock_.Advance(takes);
      return {StatusCode::kTimeout, "no answer"};
    });
  };
  EXPECT_EQ(reload(Millis(900)).message(), "no answer");
  EXPECT_EQ(reload(Millis(1000)).message(),
            "no answer; reload_deadline_ms has passed");
  EXPECT_EQ(reload(Millis(1000), true).message(), "no answer")
      << "a warning has named the option";
}

TEST_F(LoadWithRetryTest, AfterThrottlingThePauseIsRandomAndGrows) {
  EXPECT_TRUE(Load(true, 2, StatusCode::kThrottled).ok());
  // Half (the fake's fraction) of 1 s and 2 s.
  EXPECT_EQ(clock_.sleeps(), (std::vector{Millis(500), Millis(1000)}));
}

TEST_F(LoadWithRetryTest, AThrottledLoadUsesItsTimeAndEndsWithIt) {
  random_.fraction = 0.9;
  EXPECT_EQ(Load(true, 1000, StatusCode::kThrottled).code(),
            StatusCode::kThrottled);
  const Millis spent = std::chrono::duration_cast<Millis>(
      clock_.Steady() - ManualClock().Steady());
  EXPECT_GE(spent, Millis(2900));
  EXPECT_LE(spent, Millis(3000));
}

TEST_F(LoadWithRetryTest, WithoutThrottlingThePauseIsNotRandom) {
  random_.fraction = 0.123;
  EXPECT_TRUE(Load(true, 3, StatusCode::kUnavailable).ok());
  EXPECT_EQ(clock_.sleeps(), std::vector(3, Millis(500)));
}

TEST_F(LoadWithRetryTest, WhatDoesNotPassIsNotRepeated) {
  EXPECT_FALSE(Load(true, 1, StatusCode::kMisconfigured).ok());
  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(log_.lines().empty());
}

TEST_F(LoadWithRetryTest, BeforeALastResortEverythingIsRepeated) {
  LoadRetryPolicy policy{true, Deadline::After(clock_, Millis(3000))};
  policy.retry_all = true;
  const auto load = [&]() -> Status {
    if (++calls_ == 3) return Status::Ok();
    return {StatusCode::kDenied, "no"};
  };
  EXPECT_TRUE(LoadWithRetry(clock_, random_, log_, policy, load).ok());
  EXPECT_EQ(calls_, 3);
  policy.is_first = false;
  calls_ = 0;
  EXPECT_FALSE(LoadWithRetry(clock_, random_, log_, policy, load).ok());
  EXPECT_EQ(calls_, 1);
}

TEST_F(LoadWithRetryTest, AReloadIsNotRepeated) {
  EXPECT_FALSE(Load(false, 1, StatusCode::kUnavailable).ok());
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace openkeyring
