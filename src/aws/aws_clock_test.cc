// SPDX-License-Identifier: MIT
#include "aws/aws_clock.h"

#include <gtest/gtest.h>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(AwsClock, IsTheMachinesUntilAwsTellsAnotherTime) {
  ManualClock machine;
  MemoryLog log;
  AwsClock clock(machine, log);
  EXPECT_EQ(clock.Now(), machine.Now());
  const WallTime used = clock.Now();
  EXPECT_TRUE(clock.Correct(used, used + hours(1)));
  EXPECT_EQ(clock.Now(), machine.Now() + hours(1));
  EXPECT_EQ(clock.Steady(), machine.Steady());
  EXPECT_EQ(log.lines().size(), 1u);
}

TEST(AwsClock, ALittleDifferenceIsNotWhyAwsRefused) {
  ManualClock machine;
  MemoryLog log;
  AwsClock clock(machine, log);
  EXPECT_FALSE(clock.Correct(clock.Now(), clock.Now() + seconds(119)));
  EXPECT_FALSE(clock.Correct(clock.Now(), clock.Now() - seconds(119)));
  EXPECT_EQ(clock.Now(), machine.Now());
  EXPECT_EQ(log.Text(), "");
}

TEST(AwsClock, CallsThatFailTogetherAreAllRepeatedAndOneLineTells) {
  ManualClock machine;
  MemoryLog log;
  AwsClock clock(machine, log);
  const WallTime used = clock.Now();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(clock.Correct(used, used - minutes(10)));
  }
  EXPECT_EQ(clock.Now(), machine.Now() - minutes(10));
  EXPECT_EQ(log.lines().size(), 1u);
}

TEST(AwsClock, ACorrectionCanBeTakenBack) {
  ManualClock machine;
  MemoryLog log;
  AwsClock clock(machine, log);
  EXPECT_TRUE(clock.Correct(clock.Now(), machine.Now() + hours(2)));
  EXPECT_TRUE(clock.Correct(clock.Now(), machine.Now()));
  EXPECT_EQ(clock.Now(), machine.Now());
}

}  // namespace
}  // namespace openkeyring
