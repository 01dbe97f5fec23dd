// SPDX-License-Identifier: MIT
#include "aws/kms_wrapper.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "testing/fake_aws_world.h"

namespace openkeyring {
namespace {

constexpr char kArn[] = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
constexpr char kMultiRegion[] =
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd";
constexpr char kReplica[] =
    "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd";
constexpr char kWrapped[] = R"({"CiphertextBlob":"Zm9v","KeyId":"arn:k"})";

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

class KmsWrapperTest : public testing::Test {
 protected:
  KmsWrapperTest() {
    settings_.region = "eu-west-1";
    AwsOptions options;
    options.access_key_id = "AKID";
    options.secret_access_key =
        Secret::CopyOf(std::string_view("secret-of-the-test"));
    region_ = std::make_unique<RegionResolver>(world_.world(), settings_);
    chain_ = MakeCredentialChain(world_.world(), options, settings_, *region_);
    client_ = std::make_unique<KmsClient>(world_.world(), settings_, *chain_,
                                          *region_, Millis(3000));
    wrapper_ = std::make_unique<KmsWrapper>(
        *client_, [this] { return master_key_; }, "master_key_id");
  }

  // The last request: its operation, and its body.
  std::string Operation() {
    return world_.http.seen().back().HeaderOr("X-Amz-Target");
  }
  nlohmann::json Body() {
    return nlohmann::json::parse(world_.http.seen().back().body);
  }

  FakeAwsWorld world_;
  AwsSettings settings_;
  std::string master_key_ = "alias/db";
  std::unique_ptr<RegionResolver> region_;
  std::unique_ptr<CredentialChain> chain_;
  std::unique_ptr<KmsClient> client_;
  std::unique_ptr<KmsWrapper> wrapper_;
  const EncryptionContext binding_ = {{"k", "v"}};
};

TEST_F(KmsWrapperTest, GenerateAsksForAKeyThatNobodySees) {
  world_.http.Push(200, kWrapped);
  const auto wrapped = wrapper_->Generate(32, binding_, world_.InAMinute());
  ASSERT_TRUE(wrapped) << wrapped.error().ToString();
  EXPECT_EQ(AsText(wrapped->blob), "foo");
  EXPECT_EQ(wrapped->wrapping_key, "arn:k");
  EXPECT_EQ(Operation(), "TrentService.GenerateDataKeyWithoutPlaintext");
  EXPECT_EQ(Body()["KeyId"], "alias/db");
  EXPECT_EQ(Body()["EncryptionContext"]["k"], "v");
}

TEST_F(KmsWrapperTest, WrapEncryptsWithTheCurrentMasterKey) {
  world_.http.Push(200, kWrapped);
  world_.http.Push(200, kWrapped);
  const Secret key = Secret::CopyOf(std::string_view("foo"));
  ASSERT_TRUE(wrapper_->Wrap(key, binding_, world_.InAMinute()));
  EXPECT_EQ(Body()["Plaintext"], "Zm9v");
  EXPECT_EQ(Body()["KeyId"], "alias/db");
  master_key_ = "alias/other";
  ASSERT_TRUE(wrapper_->Wrap(key, binding_, world_.InAMinute()));
  EXPECT_EQ(Body()["KeyId"], "alias/other");
}

TEST_F(KmsWrapperTest, UnwrapNamesTheKeyThatWrappedItInThisRegion) {
  world_.http.Push(200, R"({"Plaintext":"Zm9v","KeyId":"arn:k"})");
  const WrappedKey wrapped{Bytes{1, 2}, kMultiRegion};
  const auto key = wrapper_->Unwrap(wrapped, binding_, world_.InAMinute());
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->key.RevealText(), "foo");
  EXPECT_EQ(key->wrapping_key, "arn:k");
  EXPECT_EQ(Operation(), "TrentService.Decrypt");
  EXPECT_EQ(Body()["KeyId"], kReplica);
  EXPECT_EQ(Body()["EncryptionContext"]["k"], "v");
}

TEST_F(KmsWrapperTest, UnwrapOfABlobOfAnUnknownKeyLeavesItToKms) {
  master_key_ = "";
  world_.http.Push(200, R"({"Plaintext":"Zm9v"})");
  ASSERT_TRUE(wrapper_->Unwrap({Bytes{1}, ""}, {}, world_.InAMinute()));
  EXPECT_FALSE(Body().contains("KeyId"));
  EXPECT_FALSE(Body().contains("EncryptionContext"));
}

TEST_F(KmsWrapperTest, RewrapGoesFromTheOldKeyToTheMasterKey) {
  world_.http.Push(200, kWrapped);
  ASSERT_TRUE(wrapper_->Rewrap({Bytes{1}, kArn}, binding_, world_.InAMinute()));
  EXPECT_EQ(Operation(), "TrentService.ReEncrypt");
  EXPECT_EQ(Body()["SourceKeyId"], kArn);
  EXPECT_EQ(Body()["DestinationKeyId"], "alias/db");
  EXPECT_EQ(Body()["SourceEncryptionContext"],
            Body()["DestinationEncryptionContext"]);
}

TEST_F(KmsWrapperTest, WithoutAMasterKeyNothingNewIsMadeAndNothingSent) {
  master_key_ = "";
  const Secret key = Secret::CopyOf(std::string_view("foo"));
  const Deadline deadline = world_.InAMinute();
  const Status status = wrapper_->Generate(32, {}, deadline).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("master_key_id"), std::string::npos)
      << "it tells what to set";
  EXPECT_EQ(wrapper_->Wrap(key, {}, deadline).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(wrapper_->Rewrap({Bytes{1}, kArn}, {}, deadline).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_TRUE(world_.http.seen().empty());
}

TEST_F(KmsWrapperTest, AMissingKmsKeyIsNeverAMissingDataKey) {
  world_.http.Push(400, R"({"__type":"NotFoundException"})");
  EXPECT_EQ(wrapper_->Unwrap({Bytes{1}, kArn}, {}, world_.InAMinute())
                .status()
                .code(),
            StatusCode::kMisconfigured);
}

TEST_F(KmsWrapperTest, IsCurrentComparesIdsAndArnsWithoutACall) {
  const Deadline deadline = world_.InAMinute();
  master_key_ = kArn;
  EXPECT_TRUE(*wrapper_->IsCurrent(kArn, deadline));
  EXPECT_FALSE(*wrapper_->IsCurrent(kMultiRegion, deadline));
  EXPECT_TRUE(world_.http.seen().empty());
}

TEST_F(KmsWrapperTest, IsCurrentAsksKmsWhereAnAliasLeads) {
  const std::string answer = std::string(R"({"KeyMetadata":{"Arn":")") + kArn +
                             R"(","KeyState":"Enabled","Enabled":true}})";
  world_.http.Push(200, answer);
  EXPECT_TRUE(*wrapper_->IsCurrent(kArn, world_.InAMinute()));
  EXPECT_EQ(Operation(), "TrentService.DescribeKey");
  world_.http.Push(200, answer);
  EXPECT_FALSE(*wrapper_->IsCurrent(kMultiRegion, world_.InAMinute()));
  world_.http.Push(400, R"({"__type":"AccessDeniedException"})");
  EXPECT_EQ(wrapper_->IsCurrent(kArn, world_.InAMinute()).status().code(),
            StatusCode::kDenied);
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
