// SPDX-License-Identifier: MIT
#include "os/clock.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "os/cancellation.h"
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

TEST(Deadline, ThatIsCancelledHasPassed) {
  ManualClock clock;
  Cancellation cancellation;
  const Deadline deadline =
      Deadline::After(clock, Millis(100)).CancelledBy(cancellation);
  const Deadline shorter = deadline.Within(clock, Millis(50));
  EXPECT_FALSE(deadline.IsCancelled());
  EXPECT_EQ(deadline.Remaining(clock), Millis(100));
  cancellation.Cancel();
  for (const Deadline& one : {deadline, shorter}) {
    EXPECT_TRUE(one.IsCancelled());
    EXPECT_TRUE(one.Passed(clock));
    EXPECT_EQ(one.Remaining(clock), Millis(0));
  }
}

TEST(Cancellation, ComesWithTheOtherOne) {
  Cancellation other;
  Cancellation cancellation(&other), own(&other);
  own.Cancel();
  EXPECT_TRUE(own.IsCancelled());
  EXPECT_FALSE(other.IsCancelled());
  EXPECT_FALSE(cancellation.IsCancelled());
  other.Cancel();
  EXPECT_TRUE(cancellation.IsCancelled());
}

TEST(Deadline, NeedNotReportThrottlingAnyMore) {
  ManualClock clock;
  const Deadline deadline =
      Deadline::After(clock, Millis(100)).ReportingThrottling();
  EXPECT_TRUE(deadline.reports_throttling());
  EXPECT_FALSE(deadline.WithoutReportingThrottling().reports_throttling());
  EXPECT_EQ(deadline.WithoutReportingThrottling().at(), deadline.at());
}

TEST(SleepUnlessCancelled, SleepsAsLongAsAskedFor) {
  ManualClock clock;
  const SteadyTime start = clock.Steady();
  Cancellation cancellation;
  const Deadline deadline = Deadline::After(clock, Millis(1));
  SleepUnlessCancelled(clock, Millis(50), deadline);
  EXPECT_EQ(clock.sleeps(), std::vector{Millis(50)});
  SleepUnlessCancelled(clock, Millis(50), deadline.CancelledBy(cancellation));
  EXPECT_EQ(clock.Steady() - start, Millis(100));
}

TEST(SleepUnlessCancelled, EndsSoonAfterTheCancellation) {
  Clock& clock = SystemClock();
  Cancellation cancellation;
  const Deadline deadline = Deadline::After(clock, Millis(60000));
  const SteadyTime start = clock.Steady();
  std::jthread canceller([&] {
    clock.SleepFor(Millis(50));
    cancellation.Cancel();
  });
  SleepUnlessCancelled(clock, Millis(60000),
                       deadline.CancelledBy(cancellation));
  EXPECT_LT(clock.Steady() - start, Millis(20000));
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
