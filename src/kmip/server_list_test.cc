// SPDX-License-Identifier: MIT
#include "kmip/server_list.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using Order = std::vector<size_t>;
const Status kDown(StatusCode::kUnavailable, "down");

class KmipServerListTest : public testing::Test {
 protected:
  ManualClock clock;
  KmipServerList list{{{"a", 1}, {"b", 1}, {"c", 1}}, clock, 64};
};

TEST_F(KmipServerListTest, TheUsersOrderCounts) {
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
  EXPECT_FALSE(list.current());
  EXPECT_TRUE(list.last_error().ok());
}

TEST_F(KmipServerListTest, OneThatFailedComesLastForAWhile) {
  list.RecordFailure(0, kDown);
  EXPECT_EQ(list.Order(), (Order{1, 2, 0}));
  EXPECT_EQ(list.last_error().message(), "down");
  clock.Advance(Millis(1001));
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
}

TEST_F(KmipServerListTest, ATryWithTooLittleTimeCountsForASecondOnly) {
  for (int i = 0; i < 20; ++i) list.RecordNoVerdict(0, kDown);
  EXPECT_EQ(list.Order(), (Order{1, 2, 0}));
  EXPECT_EQ(list.last_error().message(), "down");
  clock.Advance(Millis(1001));
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
  EXPECT_TRUE(list.RecordFailure(0, kDown));  // The first.
}

TEST_F(KmipServerListTest, TheWhileGrowsToAMinute) {
  for (int i = 0; i < 20; ++i) list.RecordFailure(0, kDown);
  clock.Advance(Millis(59000));
  EXPECT_EQ(list.Order(), (Order{1, 2, 0}));
  clock.Advance(Millis(1001));
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
}

TEST_F(KmipServerListTest, WhenAllFailedTheFirstWhosePauseEndsComesFirst) {
  for (const size_t server : {0, 1, 2}) list.RecordFailure(server, kDown);
  list.RecordFailure(0, kDown);
  EXPECT_EQ(list.Order(), (Order{1, 2, 0}));
}

TEST_F(KmipServerListTest, SuccessForgetsFailures) {
  list.RecordFailure(0, kDown);
  list.RecordFailure(0, kDown);
  EXPECT_TRUE(list.RecordSuccess(0));
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
  EXPECT_TRUE(list.RecordFailure(0, kDown));
  clock.Advance(Millis(1001));
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
}

TEST_F(KmipServerListTest, NewsIsToldOnce) {
  EXPECT_TRUE(list.RecordSuccess(0));
  EXPECT_FALSE(list.RecordSuccess(0));
  EXPECT_TRUE(list.RecordFailure(0, kDown));
  EXPECT_FALSE(list.RecordFailure(0, kDown));
  EXPECT_TRUE(list.RecordSuccess(1));
  EXPECT_EQ(list.current(), 1U);
  EXPECT_TRUE(list.RecordSuccess(0));
}

TEST_F(KmipServerListTest, BatchLimitsGoDownToOne) {
  EXPECT_EQ(list.BatchLimit(0), 64U);
  list.LowerBatchLimit(0, 8);
  list.LowerBatchLimit(0, 32);
  EXPECT_EQ(list.BatchLimit(0), 8U);
  list.LowerBatchLimit(0, 0);
  EXPECT_EQ(list.BatchLimit(0), 1U);
  EXPECT_EQ(list.BatchLimit(1), 64U);
}

TEST_F(KmipServerListTest, AWrongServerComesAfterThoseThatFailed) {
  for (int i = 0; i < 9; ++i) list.RecordFailure(0, kDown);
  list.RecordSuccess(1);
  list.RecordWrong(1);
  EXPECT_EQ(list.Order(), (Order{2, 0, 1}));
  list.RecordFailure(2, kDown);
  EXPECT_EQ(list.Order(), (Order{2, 0, 1}));
  clock.Advance(Millis(60000));
  EXPECT_EQ(list.Order(), (Order{0, 1, 2}));
}

}  // namespace
}  // namespace openkeyring
