// SPDX-License-Identifier: MIT
#include "keyring/key_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

std::vector<KeyName> Names(size_t count) {
  std::vector<KeyName> names;
  for (size_t i = 0; i < count; ++i)
    names.push_back({"k" + std::to_string(i), ""});
  return names;
}

class KeyBatchTest : public testing::Test {
 protected:
  Status Run(size_t count, size_t parallelism,
             const std::function<Status(size_t)>& job) {
    calls_ = 0;
    return ForEveryKey(Names(count), parallelism, clock_, random_,
                       Deadline::After(clock_, Millis(1000)), "open",
                       [&](size_t i, const Deadline& own) {
                         EXPECT_TRUE(own.reports_throttling());
                         ++calls_;
                         return job(i);
                       });
  }

  ManualClock clock_;
  FakeRandom random_;
  std::atomic<int> calls_{0};
};

TEST_F(KeyBatchTest, AllKeysAreSeenOnce) {
  std::atomic<int> sum{0};
  EXPECT_TRUE(Run(100, 7, [&](size_t i) {
                sum += static_cast<int>(i);
                return Status::Ok();
              }).ok());
  EXPECT_EQ(sum, 4950);
  EXPECT_TRUE(Run(0, 7, [](size_t) { return Status::Ok(); }).ok());
}

TEST_F(KeyBatchTest, OneFailureFailsAllAndIsNamed) {
  const Status status = Run(10, 4, [](size_t i) {
    return i == 6 ? Status(StatusCode::kCorrupt, "refused") : Status::Ok();
  });
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_EQ(status.message(),
            "cannot open key \"k6\": refused (1 of 10 keys failed)");
  EXPECT_EQ(calls_, 10);
}

TEST_F(KeyBatchTest, ReasonThatDoesNotPassIsShownFirst) {
  const Status status = Run(3, 3, [](size_t i) {
    if (i == 0) return Status(StatusCode::kTimeout, "late");
    return i == 2 ? Status(StatusCode::kDenied, "denied") : Status::Ok();
  });
  EXPECT_EQ(status.code(), StatusCode::kDenied) << status.message();
}

TEST_F(KeyBatchTest, DeadServiceCostsOneRoundAndNotOneCallAKey) {
  const Status status = Run(1000, 4, [](size_t) {
    return Status(StatusCode::kTimeout, "no answer");
  });
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_LE(calls_, 8);
  EXPECT_THAT(status.message(), HasSubstr("were not tried"));
}

TEST_F(KeyBatchTest, WhatIsThrottledIsRepeated) {
  std::atomic<int> throttled{0};
  EXPECT_TRUE(Run(50, 1, [&](size_t i) {
                return i == 7 && ++throttled == 1
                           ? Status(StatusCode::kThrottled, "slower")
                           : Status::Ok();
              }).ok());
  EXPECT_EQ(calls_, 51);
  EXPECT_EQ(clock_.sleeps().size(), 1u);
}

TEST_F(KeyBatchTest, AServiceThatThrottlesIsNotDead) {
  std::atomic<int> throttled{0};
  EXPECT_TRUE(Run(50, 4, [&](size_t) {
                return ++throttled <= 5 ? Status(StatusCode::kThrottled, "slow")
                                        : Status::Ok();
              }).ok());
  EXPECT_EQ(calls_, 55);
}

TEST_F(KeyBatchTest, ThrottlingWithoutEndFailsWithItsReason) {
  const Status status = Run(
      50, 4, [](size_t) { return Status(StatusCode::kThrottled, "slower"); });
  EXPECT_EQ(status.code(), StatusCode::kThrottled);
  EXPECT_THAT(status.message(), HasSubstr("slower"));
  EXPECT_THAT(status.message(), HasSubstr("were not tried"));
  EXPECT_LE(clock_.Steady() - ManualClock().Steady(), Millis(1000));
}

TEST_F(KeyBatchTest, NothingIsTriedAfterTheDeadlineAndNothingIsOkThen) {
  const Status status = Run(3, 1, [&](size_t) {
    clock_.Advance(Millis(1000));
    return Status::Ok();
  });
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_THAT(status.message(), HasSubstr("key \"k1\""));
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace openkeyring
