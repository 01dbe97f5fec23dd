// SPDX-License-Identifier: MIT
#include "os/clock.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

TEST(Deadline, CountsDownToZeroAndNotBelow) {
  ManualClock clock;
  const Deadline deadline = Deadline::After(clock, Millis(100));
  EXPECT_EQ(deadline.Remaining(clock), Millis(100));
  EXPECT_FALSE(deadline.Passed(clock));
  clock.Advance(Millis(99));
  EXPECT_EQ(deadline.Remaining(clock), Millis(1));
  clock.Advance(Millis(1));
  EXPECT_EQ(deadline.Remaining(clock), Millis(0));
  EXPECT_TRUE(deadline.Passed(clock));
  clock.Advance(Millis(1000));
  EXPECT_EQ(deadline.Remaining(clock), Millis(0));
}

TEST(Deadline, OfNoTimeHasPassedAtOnce) {
  ManualClock clock;
  EXPECT_TRUE(Deadline::After(clock, Millis(0)).Passed(clock));
  EXPECT_TRUE(Deadline::After(clock, Millis(-5)).Passed(clock));
}

TEST(Deadline, WithinIsTheEarlierOfTheTwo) {
  ManualClock clock;
  const Deadline deadline = Deadline::After(clock, Millis(100));
  EXPECT_EQ(deadline.Within(clock, Millis(30)).Remaining(clock), Millis(30));
  EXPECT_EQ(deadline.Within(clock, Millis(300)).Remaining(clock), Millis(100));
}

TEST(SystemClock, SleepsAtLeastAsLongAsAskedFor) {
  Clock& clock = SystemClock();
  const SteadyTime steady = clock.Steady();
  const WallTime wall = clock.Now();
  clock.SleepFor(Millis(3));
  EXPECT_GE(clock.Steady() - steady, Millis(3));
  EXPECT_GE(clock.Now(), wall);
}

}  // namespace
}  // namespace openkeyring
