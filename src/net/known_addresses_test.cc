// SPDX-License-Identifier: MIT
#include "net/known_addresses.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using Addresses = std::vector<std::string>;

TEST(KnownAddresses, AreTheFourNewestOfAHost) {
  ManualClock clock;
  KnownAddresses known(clock);
  EXPECT_EQ(known.Of("a:443"), Addresses());
  for (const char* address : {"1", "2", "3", "2", "4", "5"}) {
    known.Answered("a:443", address);
  }
  EXPECT_EQ(known.Of("a:443"), (Addresses{"5", "4", "2", "3"}));
  EXPECT_EQ(known.Of("a:444"), Addresses());
  known.Forget("a:443");
  EXPECT_EQ(known.Of("a:443"), Addresses());
}

TEST(KnownAddresses, ReplaceResolvingForAMinuteAfterItFailed) {
  ManualClock clock;
  KnownAddresses known(clock);
  known.NotResolved("a:443");
  EXPECT_FALSE(known.ReplaceResolving("a:443")) << "there are none";
  known.Answered("a:443", "1");
  EXPECT_TRUE(known.ReplaceResolving("a:443"));
  EXPECT_FALSE(known.ReplaceResolving("b:443"));
  clock.Advance(std::chrono::seconds(59));
  EXPECT_TRUE(known.ReplaceResolving("a:443"));
  clock.Advance(std::chrono::seconds(1));
  EXPECT_FALSE(known.ReplaceResolving("a:443"));
  EXPECT_EQ(known.Of("a:443"), Addresses{"1"});
}

}  // namespace
}  // namespace openkeyring
