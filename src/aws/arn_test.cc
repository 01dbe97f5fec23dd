// SPDX-License-Identifier: MIT
#include "aws/arn.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

constexpr char kArn[] = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
constexpr char kMultiRegion[] =
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd";
constexpr char kReplica[] =
    "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd";

TEST(Arn, AnArnHasSixPartsAndTheResourceKeepsItsColons) {
  const Result<Arn> key =
      ParseArn("arn:aws:kms:eu-west-1:111122223333:key/mrk-1");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->partition, "aws");
  EXPECT_EQ(key->service, "kms");
  EXPECT_EQ(key->region, "eu-west-1");
  EXPECT_EQ(key->account, "111122223333");
  EXPECT_EQ(key->resource, "key/mrk-1");
  EXPECT_EQ(ParseArn("arn:aws:sns:r:a:topic:x")->resource, "topic:x");
  EXPECT_EQ(ParseArn("arn:aws:iam::1:role/r")->region, "");
}

TEST(Arn, WhatIsNotAnArnIsRefused) {
  for (const char* text :
       {"", "arn", "arn:", "alias/x", "arn:aws:kms:r:a", "arn::kms:r:a:key/1",
        "arn:aws:kms:r:a:", "ARN:aws:kms:r:a:key/1"}) {
    EXPECT_EQ(ParseArn(text).status().code(), StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(KeyArnInRegion, ChangesTheRegionOfMultiRegionKeysOnly) {
  EXPECT_EQ(KeyArnInRegion(kMultiRegion, "eu-west-1"), kReplica);
  EXPECT_EQ(KeyArnInRegion(kReplica, "eu-west-1"), kReplica);
  EXPECT_EQ(
      KeyArnInRegion("arn:aws-cn:kms:cn-north-1:1:key/mrk-1", "cn-northwest-1"),
      "arn:aws-cn:kms:cn-northwest-1:1:key/mrk-1");
  for (const char* other :
       {kArn, "arn:aws:kms:us-east-1:111122223333:alias/mrk-1", "alias/db",
        "mrk-1234abcd", "", "arn:aws:kms"}) {
    EXPECT_EQ(KeyArnInRegion(other, "ap-south-1"), other);
  }
}

TEST(SameKmsKeyTest, ComparesEverySpellingThatNeedsNoCall) {
  const std::string arn = "arn:aws:kms:eu-west-1:111122223333:key/abc";
  EXPECT_EQ(SameKmsKey("abc", arn), true);
  EXPECT_EQ(SameKmsKey("abd", arn), false);
  EXPECT_EQ(SameKmsKey(arn, arn), true);
  EXPECT_EQ(SameKmsKey("arn:aws:kms:eu-west-2:111122223333:key/abc", arn),
            false);
  EXPECT_EQ(SameKmsKey("arn:aws:kms:eu-west-1:999922223333:key/abc", arn),
            false);
  EXPECT_EQ(SameKmsKey("alias/abc", arn), std::nullopt);
  EXPECT_EQ(SameKmsKey("arn:aws:kms:eu-west-1:111122223333:alias/abc", arn),
            std::nullopt);
  EXPECT_EQ(SameKmsKey("abc", "who knows"), std::nullopt);
}

TEST(SameKmsKeyTest, ReplicasOfAMultiRegionKeyAreOneKey) {
  EXPECT_EQ(SameKmsKey("arn:aws:kms:eu-west-2:111122223333:key/mrk-1",
                       "arn:aws:kms:eu-west-1:111122223333:key/mrk-1"),
            true);
}

}  // namespace
}  // namespace openkeyring
