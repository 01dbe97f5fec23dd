// SPDX-License-Identifier: MIT
#include "net/call_statistics.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

const Status kAway(StatusCode::kUnavailable, "away");

TEST(CallStatisticsTest, TheKeyServerIsReachableWhenTheLastOperationSucceeded) {
  CallStatisticsKeeper keeper;
  EXPECT_EQ(keeper.Get().reachable(), std::nullopt);
  keeper.Outcome(kAway, WallTime(seconds(1)));
  EXPECT_EQ(keeper.Get().reachable(), false);
  keeper.Outcome(Status::Ok(), WallTime(seconds(2)));
  EXPECT_EQ(keeper.Get().reachable(), true);
  keeper.Outcome(kAway, WallTime(seconds(3)));
  EXPECT_EQ(keeper.Get().reachable(), false);
  EXPECT_EQ(keeper.Get().errors, 2u);
  EXPECT_EQ(keeper.Get().last_error, "away");
}

TEST(CallStatisticsTest, TimesOfRequestsAddUpBelowAMillisecond) {
  CallStatisticsKeeper keeper;
  for (int i = 0; i < 4; ++i) {
    keeper.Request("https://kms");
    keeper.Waited(microseconds(600));
  }
  keeper.Retry();
  keeper.Throttled();
  const CallStatistics seen = keeper.Get();
  EXPECT_EQ(seen.waited, microseconds(2400));
  EXPECT_EQ(seen.requests, 4u);
  EXPECT_EQ(seen.retries, 1u);
  EXPECT_EQ(seen.throttled, 1u);
  EXPECT_EQ(seen.endpoint, "https://kms");
}

}  // namespace
}  // namespace openkeyring
