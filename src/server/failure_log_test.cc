// SPDX-License-Identifier: MIT
#include "server/failure_log.h"

#include <gtest/gtest.h>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

TEST(FailureLog, OnlyAnswersOfTheRulesAreNotes) {
  MemoryLog log;
  ManualClock clock;
  FailureLog failures(log, clock);
  for (const StatusCode code :
       {StatusCode::kNotFound, StatusCode::kAlreadyExists,
        StatusCode::kInvalidArgument, StatusCode::kDenied,
        StatusCode::kMisconfigured, StatusCode::kUnavailable,
        StatusCode::kTimeout, StatusCode::kCorrupt, StatusCode::kReadOnly,
        StatusCode::kInternal}) {
    failures.Write({code, std::string(StatusCodeName(code))});
  }
  ASSERT_EQ(log.lines().size(), 10u);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(log.lines()[i].first, i < 3 ? LogLevel::kNote : LogLevel::kError)
        << log.lines()[i].second;
  }
  EXPECT_EQ(failures.count(), 7) << "without the notes";
}

TEST(FailureLog, ARepeatedLineIsSuppressedForTenSeconds) {
  MemoryLog log;
  ManualClock clock;
  FailureLog failures(log, clock);
  const Status failure(StatusCode::kUnavailable, "away");
  failures.Write(failure);
  clock.Advance(Millis(9999));
  failures.Write(failure);
  EXPECT_EQ(log.lines().size(), 1u);
  EXPECT_EQ(failures.count(), 2);
  failures.Write({StatusCode::kUnavailable, "also away"});
  EXPECT_EQ(log.lines().size(), 2u);
  clock.Advance(Millis(1));
  failures.Write(failure);
  EXPECT_EQ(log.lines().size(), 3u);
}

TEST(LogThrottle, ManyDifferentLinesAreBounded) {
  ManualClock clock;
  LogThrottle throttle(clock, Millis(1000));
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) {
    if (throttle.Admits("line " + std::to_string(i))) ++admitted;
  }
  EXPECT_EQ(admitted, 256);
  clock.Advance(Millis(1000));
  EXPECT_TRUE(throttle.Admits("line 999"));
}

}  // namespace
}  // namespace openkeyring
