// SPDX-License-Identifier: MIT
#include "aws/retry.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "testing/fakes.h"

namespace openkeyring {
namespace {

TEST(RetryQuota, AllowsAHundredRetriesAndThenNone) {
  RetryQuota quota;
  const int cost = RetryQuota::CostOfRetry(false);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(quota.TryTake(cost)) << i;
  EXPECT_EQ(quota.available(), 0);
  EXPECT_FALSE(quota.TryTake(cost));
  EXPECT_EQ(quota.available(), 0) << "a refusal takes nothing";
}

TEST(RetryQuota, ATimeoutCostsTwiceAsMuch) {
  EXPECT_EQ(RetryQuota::CostOfRetry(false), 5);
  EXPECT_EQ(RetryQuota::CostOfRetry(true), 10);
}

TEST(RetryQuota, TakesNothingWhenTooLittleIsLeft) {
  RetryQuota quota;
  ASSERT_TRUE(quota.TryTake(495));
  EXPECT_FALSE(quota.TryTake(10));
  EXPECT_EQ(quota.available(), 5);
  EXPECT_TRUE(quota.TryTake(5));
}

TEST(RetryQuota, SuccessFillsItUpToTheBrimOnly) {
  RetryQuota quota;
  quota.GiveBack(100);
  EXPECT_EQ(quota.available(), 500);
  ASSERT_TRUE(quota.TryTake(10));
  quota.GiveBack(1);
  EXPECT_EQ(quota.available(), 491);
  quota.GiveBack(10);
  EXPECT_EQ(quota.available(), 500);
}

TEST(RetryQuota, LosesNothingBetweenThreads) {
  RetryQuota quota;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) {
          if (quota.TryTake(5)) quota.GiveBack(5);
        }
      });
    }
  }
  EXPECT_EQ(quota.available(), 500);
}

TEST(RetryDelay, IsARandomPartOfADoublingBound) {
  FakeRandom random;
  random.fraction = 0.5;
  const int expected[] = {500, 1000, 2000, 4000, 8000, 10000, 10000};
  for (int retry = 0; retry < 7; ++retry) {
    EXPECT_EQ(RetryDelay(retry, random, std::nullopt), Millis(expected[retry]));
  }
  EXPECT_EQ(RetryDelay(1000, random, std::nullopt), Millis(10000));
}

TEST(RetryDelay, LiesBetweenNothingAndTheBound) {
  FakeRandom random;
  random.fraction = 0;
  EXPECT_EQ(RetryDelay(9, random, std::nullopt), Millis(0));
  random.fraction = 0.999999;
  EXPECT_LT(RetryDelay(0, random, std::nullopt), Millis(1000));
  EXPECT_LT(RetryDelay(9, random, std::nullopt), Millis(20000));
}

TEST(RetryDelay, AWishRaisesItByFiveSecondsAtMost) {
  FakeRandom random;
  random.fraction = 0.5;
  EXPECT_EQ(RetryDelay(0, random, Millis(2000)), Millis(2000));
  EXPECT_EQ(RetryDelay(0, random, Millis(3600000)), Millis(5500));
  EXPECT_EQ(RetryDelay(0, random, Millis::max()), Millis(5500));
}

TEST(RetryDelay, AWishNeverLowersIt) {
  FakeRandom random;
  random.fraction = 0.5;
  EXPECT_EQ(RetryDelay(3, random, Millis(1)), Millis(4000));
  EXPECT_EQ(RetryDelay(3, random, Millis(0)), Millis(4000));
}

}  // namespace
}  // namespace openkeyring
