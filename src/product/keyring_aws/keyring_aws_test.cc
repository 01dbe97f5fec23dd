// SPDX-License-Identifier: MIT
#include "product/keyring_aws/keyring_aws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A plugin whose KMS is away, which is only a warning.
class KeyringAwsTest : public testing::Test {
 protected:
  KeyringAwsTest() {
    options_.cmk_id = "alias/a";
    options_.region = "eu-west-1";
    options_.conf_file = directory_.Write("conf", "AKIDEXAMPLE\nsecret\n");
    std::filesystem::permissions(options_.conf_file,
                                 std::filesystem::perms::owner_read);
    options_.data_file = directory_.PathOf("keys");
    options_.endpoint_url = "http://127.0.0.1:1";
    options_.operation_deadline = Millis(50);
    options_.data_directory = directory_.PathOf("data");
    std::filesystem::create_directory(options_.data_directory);
  }
  Status Open() {
    return KeyringAws::Open(options_, std::nullopt, log_).status();
  }
  bool HasFile() { return std::filesystem::exists(options_.data_file); }

  TemporaryDirectory directory_;
  KeyringAwsOptions options_;
  MemoryLog log_;
};

TEST_F(KeyringAwsTest, NoNewKeyringIsMadeBesideEncryptedData) {
  const std::string log = directory_.Write("data/binlog.000001",
                                           "\xfd"
                                           "bin.....");
  const Status refused = Open();
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(
      refused.message(),
      AllOf(HasSubstr("no keyring file " + options_.data_file), HasSubstr(log),
            HasSubstr("set keyring_aws_allow_new_keyring")));
  EXPECT_FALSE(HasFile());
  options_.allow_new_keyring = true;
  EXPECT_TRUE(Open().ok());
  EXPECT_TRUE(HasFile());
  // From now on there is one.
  options_.allow_new_keyring = false;
  EXPECT_TRUE(Open().ok());
}

// Of a region that is known nothing is said.
TEST(IsKnownRegion, KnowsThoseOfEveryPartition) {
  for (const char* region :
       {"eu-west-1", "ap-southeast-6", "cn-north-1", "us-gov-west-1",
        "eusc-de-east-1", "us-iso-west-1", "us-isob-west-1", "eu-isoe-west-1",
        "us-isof-east-1", "us-isof-south-1"}) {
    EXPECT_TRUE(IsKnownRegion(region)) << region;
  }
  EXPECT_FALSE(IsKnownRegion("eu-west-9"));
}

TEST_F(KeyringAwsTest, ANewKeyringBesidePlainDataIsAWarning) {
  directory_.Write("data/binlog.000001",
                   "\xfe"
                   "bin.....");
  EXPECT_TRUE(Open().ok());
  EXPECT_TRUE(HasFile());
  EXPECT_THAT(log_.Text(), HasSubstr("no keyring was found"));
}

// KMS would answer neither a check nor the update, which asks nobody.
TEST_F(KeyringAwsTest, AKmsKeyThatWasNotTriedIsNotUsed) {
  const std::string arn = "arn:aws:kms:eu-west-1:111122223333:key/k";
  options_.cmk_id = arn;
  const auto keyring = KeyringAws::Open(options_, std::nullopt, log_);
  ASSERT_TRUE(keyring.has_value());
  KeyringAws& aws = **keyring;
  // An ARN is used in its own region.
  EXPECT_TRUE(aws.Use(arn, "eu-west-2").ok());
  EXPECT_EQ(aws.region(), "eu-west-2");
  const Status refused = aws.Use("alias/a", "eu-west-2");
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(refused.message(),
              HasSubstr("KMS key 'alias/a' in region 'eu-west-2'"));
  EXPECT_FALSE(aws.Try("alias/a", "eu-west-2").ok());
  EXPECT_FALSE(aws.Use("alias/a", "eu-west-2").ok());
  EXPECT_EQ(aws.cmk_id(), arn);
  EXPECT_EQ(aws.region(), "eu-west-2");
}

}  // namespace
}  // namespace openkeyring
