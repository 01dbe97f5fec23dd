// SPDX-License-Identifier: MIT
#include "os/random.h"

#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"

namespace openkeyring {
namespace {

TEST(SystemRandom, FillsWithBytesThatDiffer) {
  std::set<Bytes> seen;
  for (int i = 0; i < 50; ++i) {
    Bytes bytes(32);
    ASSERT_TRUE(SystemRandom().Fill(bytes).ok());
    EXPECT_TRUE(seen.insert(bytes).second);
  }
  EXPECT_TRUE(SystemRandom().Fill({}).ok());
}

TEST(SystemRandom, FractionsLieInTheUnitIntervalAndSpread) {
  double least = 1, most = 0;
  for (int i = 0; i < 1000; ++i) {
    const double fraction = SystemRandom().Fraction();
    ASSERT_GE(fraction, 0);
    ASSERT_LT(fraction, 1);
    least = std::min(least, fraction);
    most = std::max(most, fraction);
  }
  EXPECT_LT(least, 0.1);
  EXPECT_GT(most, 0.9);
}

TEST(RandomHex, HasTwoLowerCaseDigitsAByte) {
  const std::string hex = RandomHex(SystemRandom(), 8);
  EXPECT_EQ(hex.size(), 16u);
  EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(hex, RandomHex(SystemRandom(), 8));
}

}  // namespace
}  // namespace openkeyring
