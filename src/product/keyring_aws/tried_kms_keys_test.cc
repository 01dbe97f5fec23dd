// SPDX-License-Identifier: MIT
#include "product/keyring_aws/tried_kms_keys.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

const RegionalKmsKey kKey = {"alias/a", "eu-west-1"};

class TriedKmsKeysTest : public testing::Test {
 protected:
  ManualClock clock_;
  TriedKmsKeys tried_{clock_};
};

TEST_F(TriedKmsKeysTest, BothPartsOfAPairAreTriedTogether) {
  tried_.Add(kKey, {"k"});
  EXPECT_TRUE(tried_.Covers(kKey, {"k"}));
  EXPECT_FALSE(tried_.Covers({"alias/a", "eu-west-2"}, {"k"}));
  EXPECT_FALSE(tried_.Covers({"alias/b", "eu-west-1"}, {"k"}));
  tried_.Add({"alias/b", "eu-west-2"}, {"k"});
  EXPECT_TRUE(tried_.Covers(kKey, {"k"}));
  EXPECT_FALSE(tried_.Covers({"alias/a", "eu-west-2"}, {"k"}));
}

TEST_F(TriedKmsKeysTest, WhatWasStoredLaterByAnotherKmsKeyWasNotTried) {
  tried_.Add(kKey, {});
  EXPECT_TRUE(tried_.Covers(kKey, {}));
  EXPECT_FALSE(tried_.Covers(kKey, {"k"}));
  tried_.Add(kKey, {"k", "l"});
  EXPECT_TRUE(tried_.Covers(kKey, {"l"}));
  EXPECT_FALSE(tried_.Covers(kKey, {"k", "l", "m"}));
  // The last trial counts.
  tried_.Add(kKey, {"l"});
  EXPECT_FALSE(tried_.Covers(kKey, {"k", "l"}));
}

TEST_F(TriedKmsKeysTest, ATrialCountsForTenMinutes) {
  tried_.Add(kKey, {});
  clock_.Advance(Millis(600000));
  EXPECT_TRUE(tried_.Covers(kKey, {}));
  clock_.Advance(Millis(1));
  EXPECT_FALSE(tried_.Covers(kKey, {}));
  tried_.Add(kKey, {});
  EXPECT_TRUE(tried_.Covers(kKey, {}));
}

TEST_F(TriedKmsKeysTest, TheLastTrialsAreKept) {
  for (int i = 0; i < 17; ++i) tried_.Add({std::to_string(i), "r"}, {});
  EXPECT_FALSE(tried_.Covers({"0", "r"}, {}));
  for (int i = 1; i < 17; ++i) {
    EXPECT_TRUE(tried_.Covers({std::to_string(i), "r"}, {})) << i;
  }
}

}  // namespace
}  // namespace openkeyring
