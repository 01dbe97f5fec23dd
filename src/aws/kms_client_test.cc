// SPDX-License-Identifier: MIT
#include "aws/kms_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/credentials/credential_chain.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr char kArn[] = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
constexpr char kMultiRegion[] =
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd";
constexpr char kReplica[] =
    "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd";
constexpr char kWrapped[] = R"({"CiphertextBlob":"Zm9v","KeyId":"arn:k"})";

class KmsClientTest : public testing::Test {
 protected:
  KmsClientTest() {
    settings_.region = "eu-west-1";
    AwsOptions options;
    options.access_key_id = "AKID";
    options.secret_access_key =
        Secret::CopyOf(std::string_view("secret-of-the-test"));
    region_ = std::make_unique<RegionResolver>(fake_.dependencies(), settings_);
    chain_ =
        MakeCredentialChain(fake_.dependencies(), options, settings_, *region_);
    KmsClientOptions kms;
    kms.master_key_id = [this] { return master_key_; };
    kms.master_key_option = "master_key_id";
    client_ = std::make_unique<KmsClient>(fake_.dependencies(), settings_,
                                          *chain_, *region_, std::move(kms));
  }

  // The last request: its operation, and its body.
  std::string Operation() {
    return fake_.http.seen().back().HeaderOr("X-Amz-Target");
  }
  nlohmann::json Body() {
    return nlohmann::json::parse(fake_.http.seen().back().body);
  }

  FakeAwsDependencies fake_;
  AwsSettings settings_;
  std::string master_key_ = "alias/db";
  std::unique_ptr<RegionResolver> region_;
  std::unique_ptr<CredentialChain> chain_;
  std::unique_ptr<KmsClient> client_;
  const EncryptionContext context_ = {{"k", "v"}};
};

TEST_F(KmsClientTest, GenerateAsksForAKeyThatNobodySees) {
  fake_.http.Push(200, kWrapped);
  const auto wrapped = client_->Generate(32, context_, fake_.InAMinute());
  ASSERT_TRUE(wrapped) << wrapped.error().ToString();
  EXPECT_EQ(AsText(wrapped->blob), "foo");
  EXPECT_EQ(wrapped->wrapping_key, "arn:k");
  EXPECT_EQ(Operation(), "TrentService.GenerateDataKeyWithoutPlaintext");
  EXPECT_EQ(Body()["KeyId"], "alias/db");
  EXPECT_EQ(Body()["EncryptionContext"]["k"], "v");
}

TEST_F(KmsClientTest, AKeyThatSomebodyElseKeepsIsOneCall) {
  fake_.http.Push(
      200, R"({"Plaintext":"Zm9v","CiphertextBlob":"YmFy","KeyId":"arn:k"})");
  const auto key = client_->GenerateSecret(16, context_, fake_.InAMinute());
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->RevealText(), "foo");
  EXPECT_EQ(Operation(), "TrentService.GenerateDataKey");
  EXPECT_EQ(Body()["KeySpec"], "AES_128");
  EXPECT_EQ(Body()["EncryptionContext"]["k"], "v");
  EXPECT_EQ(fake_.http.seen().size(), 1u);
}

TEST_F(KmsClientTest, AKeyTakesTwoCallsWhereTheOneIsDenied) {
  fake_.http.Push(400, R"({"__type":"AccessDeniedException"})");
  fake_.http.Push(200, kWrapped);
  fake_.http.Push(200, R"({"Plaintext":"Zm9v","KeyId":"arn:k"})");
  const auto key = client_->GenerateSecret(16, context_, fake_.InAMinute());
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->RevealText(), "foo");
  EXPECT_EQ(Operation(), "TrentService.Decrypt");
  EXPECT_EQ(Body()["EncryptionContext"]["k"], "v");
  fake_.http.PushError({StatusCode::kUnavailable, "no answer"});
  EXPECT_FALSE(
      client_->GenerateSecret(16, context_, fake_.InAMinute()).has_value());
}

TEST_F(KmsClientTest, WrapEncryptsWithTheCurrentMasterKey) {
  fake_.http.Push(200, kWrapped);
  fake_.http.Push(200, kWrapped);
  const Secret key = Secret::CopyOf(std::string_view("foo"));
  ASSERT_TRUE(client_->Wrap(key, context_, fake_.InAMinute()));
  EXPECT_EQ(Body()["Plaintext"], "Zm9v");
  EXPECT_EQ(Body()["KeyId"], "alias/db");
  master_key_ = "alias/other";
  ASSERT_TRUE(client_->Wrap(key, context_, fake_.InAMinute()));
  EXPECT_EQ(Body()["KeyId"], "alias/other");
}

TEST_F(KmsClientTest, UnwrapNamesTheKeyThatWrappedItInThisRegion) {
  fake_.http.Push(200, R"({"Plaintext":"Zm9v","KeyId":"arn:k"})");
  const WrappedKey wrapped{Bytes{1, 2}, kMultiRegion};
  const auto key = client_->Unwrap(wrapped, context_, fake_.InAMinute());
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->key.RevealText(), "foo");
  EXPECT_EQ(key->wrapping_key, "arn:k");
  EXPECT_EQ(Operation(), "TrentService.Decrypt");
  EXPECT_EQ(Body()["KeyId"], kReplica);
  EXPECT_EQ(Body()["EncryptionContext"]["k"], "v");
}

TEST_F(KmsClientTest, UnwrapOfABlobOfAnUnknownKeyLeavesItToKms) {
  master_key_ = "";
  fake_.http.Push(
      200, R"({"Plaintext":"Zm9v","KeyId":")" + std::string(kArn) + R"("})");
  ASSERT_TRUE(client_->Unwrap({Bytes{1}, ""}, {}, fake_.InAMinute()));
  EXPECT_FALSE(Body().contains("KeyId"));
  EXPECT_FALSE(Body().contains("EncryptionContext"));
}

TEST_F(KmsClientTest, RewrapGoesFromTheOldKeyToTheMasterKey) {
  fake_.http.Push(200, kWrapped);
  ASSERT_TRUE(client_->Rewrap({Bytes{1}, kArn}, context_, fake_.InAMinute()));
  EXPECT_EQ(Operation(), "TrentService.ReEncrypt");
  EXPECT_EQ(Body()["SourceKeyId"], kArn);
  EXPECT_EQ(Body()["DestinationKeyId"], "alias/db");
  EXPECT_EQ(Body()["SourceEncryptionContext"],
            Body()["DestinationEncryptionContext"]);
}

TEST_F(KmsClientTest, WithoutARegionTheCallGoesWhereTheKeysArnSays) {
  settings_.region = "";
  RegionResolver region(fake_.dependencies(), settings_);
  KmsClientOptions options;
  options.master_key_id = [] { return std::string(kMultiRegion); };
  KmsClient client(fake_.dependencies(), settings_, *chain_, region,
                   std::move(options));
  fake_.http.Push(200, R"({"Plaintext":"Zm9v","KeyId":"arn:k"})");
  ASSERT_TRUE(client.Unwrap({Bytes{1}, kArn}, {}, fake_.InAMinute()));
  fake_.http.Push(200, kWrapped);
  ASSERT_TRUE(client.Generate(32, {}, fake_.InAMinute()));
  const auto seen = fake_.http.seen();
  ASSERT_EQ(seen.size(), 2u) << "instance metadata is not asked";
  EXPECT_EQ(seen[0].url, "https://kms.eu-west-1.amazonaws.com/");
  EXPECT_EQ(seen[1].url, "https://kms.us-east-1.amazonaws.com/");
}

TEST_F(KmsClientTest, AnAnswerAboutAnotherKeyIsNoAnswer) {
  const std::string other = "arn:aws:kms:eu-west-1:111122223333:key/other";
  const std::string wrong =
      R"({"Plaintext":"YmFk","CiphertextBlob":"YmFk","KeyId":")" + other +
      R"("})";
  const std::string right =
      R"({"Plaintext":"Zm9v","CiphertextBlob":"Zm9v","KeyId":")" +
      std::string(kArn) + R"("})";
  master_key_ = kArn;
  for (const std::string& answer : {wrong, right, wrong, right}) {
    fake_.http.Push(200, answer);
  }
  const auto key = client_->Unwrap({Bytes{1}, kArn}, {}, fake_.InAMinute());
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->key.RevealText(), "foo");
  const auto made = client_->Generate(32, {}, fake_.InAMinute());
  ASSERT_TRUE(made) << made.error().ToString();
  EXPECT_EQ(made->wrapping_key, kArn);
  for (int i = 0; i < 3; ++i) fake_.http.Push(200, wrong);
  EXPECT_EQ(
      client_->Unwrap({Bytes{1}, kArn}, {}, fake_.InAMinute()).status().code(),
      StatusCode::kUnavailable);
}

TEST_F(KmsClientTest, WithoutAMasterKeyNothingNewIsMadeAndNothingSent) {
  master_key_ = "";
  const Secret key = Secret::CopyOf(std::string_view("foo"));
  const Deadline deadline = fake_.InAMinute();
  const Status status = client_->Generate(32, {}, deadline).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("master_key_id"), std::string::npos)
      << "it tells what to set";
  EXPECT_EQ(client_->Wrap(key, {}, deadline).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(client_->Rewrap({Bytes{1}, kArn}, {}, deadline).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(KmsClientTest, AMissingKmsKeyIsNeverAMissingDataKey) {
  fake_.http.Push(400, R"({"__type":"NotFoundException"})");
  EXPECT_EQ(
      client_->Unwrap({Bytes{1}, kArn}, {}, fake_.InAMinute()).status().code(),
      StatusCode::kMisconfigured);
}

TEST_F(KmsClientTest, IsCurrentComparesIdsAndArnsWithoutACall) {
  const Deadline deadline = fake_.InAMinute();
  master_key_ = kArn;
  EXPECT_TRUE(*client_->IsCurrent(kArn, deadline));
  EXPECT_FALSE(*client_->IsCurrent(kMultiRegion, deadline));
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(KmsClientTest, IsCurrentAsksKmsWhereAnAliasLeads) {
  const std::string answer = std::string(R"({"KeyMetadata":{"Arn":")") + kArn +
                             R"(","KeyState":"Enabled","Enabled":true}})";
  fake_.http.Push(200, answer);
  EXPECT_TRUE(*client_->IsCurrent(kArn, fake_.InAMinute()));
  EXPECT_EQ(Operation(), "TrentService.DescribeKey");
  fake_.http.Push(200, answer);
  EXPECT_FALSE(*client_->IsCurrent(kMultiRegion, fake_.InAMinute()));
  fake_.http.Push(400, R"({"__type":"AccessDeniedException"})");
  EXPECT_EQ(client_->IsCurrent(kArn, fake_.InAMinute()).status().code(),
            StatusCode::kDenied);
}

}  // namespace
}  // namespace openkeyring
