// SPDX-License-Identifier: MIT
#include "emulators/kms/availability.h"

#include <gtest/gtest.h>

#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace kms_emulator {
namespace {

using openkeyring::FakeRandom;
using openkeyring::ManualClock;
using openkeyring::Millis;

class AvailabilityTest : public testing::Test {
 protected:
  // How many of so many requests pass.
  int Passing(int requests, const std::string& service = "kms") {
    int passing = 0;
    for (int i = 0; i < requests; ++i) {
      passing += availability_.FaultFor(service) ? 0 : 1;
    }
    return passing;
  }

  ManualClock clock_;
  FakeRandom random_;
  Availability availability_{clock_, random_};
};

TEST_F(AvailabilityTest, EverythingPassesAtFirst) {
  EXPECT_EQ(Passing(10000), 10000);
}

TEST_F(AvailabilityTest, TheQuotaIsABucketThatFillsWithTime) {
  availability_.SetQuota(50, 20);
  EXPECT_EQ(Passing(100), 20);
  clock_.Advance(Millis(100));
  EXPECT_EQ(Passing(100), 5);
  clock_.Advance(Millis(60000));
  EXPECT_EQ(Passing(100), 20) << "it never holds more than the burst";
  EXPECT_EQ(availability_.FaultFor("kms")->kind, "throttle");
  EXPECT_EQ(Passing(100, "sts"), 100);
  EXPECT_EQ(Passing(100, "imds"), 100);
  availability_.SetQuota(0, 0);
  EXPECT_EQ(Passing(100), 100);
}

TEST_F(AvailabilityTest, APercentageFails) {
  availability_.SetErrors(5);
  random_.fraction = 0.049;
  const auto fault = availability_.FaultFor("kms");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status, 500);
  EXPECT_EQ(fault->code, "KMSInternalException");
  EXPECT_TRUE(fault->Instead());
  random_.fraction = 0.05;
  EXPECT_EQ(Passing(100), 100);
}

TEST_F(AvailabilityTest, AnOutageBeginsAndEndsAsPlanned) {
  availability_.SetQuota(1, 100);
  Fault fault;
  fault.kind = "hang";
  availability_.PlanOutage(Millis(1000), Millis(2000), fault);
  EXPECT_EQ(Passing(1), 1);
  clock_.Advance(Millis(1000));
  EXPECT_EQ(Passing(1000), 0);
  EXPECT_EQ(availability_.FaultFor("sts")->kind, "hang");
  EXPECT_EQ(availability_.ToJson()["outage"]["now"], true);
  clock_.Advance(Millis(2000));
  EXPECT_EQ(Passing(1000), 100) << "an outage uses none of the quota";
}

}  // namespace
}  // namespace kms_emulator
