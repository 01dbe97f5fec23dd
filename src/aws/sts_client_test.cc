// SPDX-License-Identifier: MIT
#include "aws/sts_client.h"

#include <gtest/gtest.h>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr const char* kAnswer =
    "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></R>";

std::string Error(const char* code) {
  return std::string("<ErrorResponse><Error><Type>Sender</Type><Code>") + code +
         "</Code><Message>because</Message></Error></ErrorResponse>";
}

class StsClientTest : public ::testing::Test {
 protected:
  StsClientTest() {
    settings_.region = "eu-west-1";
    fake_.files.contents["/token"] = "jwt\n";
  }
  Result<Credentials> AssumeRole() {
    return Client().AssumeRole({"AKID", TakeSecret("key"), Secret(), {}}, role_,
                               fake_.InAMinute());
  }
  Result<Credentials> WithWebIdentity() {
    return Client().AssumeRoleWithWebIdentity("/token", role_,
                                              fake_.InAMinute());
  }
  StsClient Client() {
    region_ = std::make_unique<RegionResolver>(fake_.dependencies(), settings_);
    return StsClient(fake_.dependencies(), settings_, *region_);
  }

  FakeAwsDependencies fake_;
  AwsSettings settings_;
  std::unique_ptr<RegionResolver> region_;
  RoleRequest role_{"arn:aws:iam::111122223333:role/db", "session", "", {}};
};

TEST_F(StsClientTest, AssumeRoleIsSignedForStsInTheRegion) {
  fake_.http.Push(200, kAnswer);
  const auto keys = AssumeRole();
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(keys->access_key_id, "ASIA");
  const auto seen = fake_.http.seen()[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_FALSE(seen.allow_plain_http);
  EXPECT_TRUE(seen.use_proxy);
  EXPECT_TRUE(seen.body.starts_with("Action=AssumeRole&"));
  EXPECT_NE(seen.HeaderOr("Authorization")
                .find("Credential=AKID/20260102/eu-west-1/sts/aws4_request"),
            std::string::npos);
}

TEST_F(StsClientTest, WebIdentityIsNotSigned) {
  fake_.http.Push(200, kAnswer);
  ASSERT_TRUE(WithWebIdentity());
  const auto seen = fake_.http.seen()[0];
  EXPECT_EQ(seen.HeaderOr("Authorization"), "");
  EXPECT_TRUE(seen.body.ends_with("&WebIdentityToken=jwt"));
}

TEST_F(StsClientTest, SettingsChooseTheEndpoint) {
  settings_.use_fips_endpoint = true;
  fake_.http.Push(200, kAnswer);
  ASSERT_TRUE(WithWebIdentity());
  settings_.use_fips_endpoint = false;
  settings_.sts_endpoint_url = "http://sts.test:4566";
  fake_.http.Push(200, kAnswer);
  ASSERT_TRUE(WithWebIdentity());
  EXPECT_EQ(fake_.http.seen()[0].url,
            "https://sts-fips.eu-west-1.amazonaws.com/");
  EXPECT_EQ(fake_.http.seen()[1].url, "http://sts.test:4566/");
  EXPECT_FALSE(fake_.http.seen()[1].allow_plain_http);
  settings_.allow_unencrypted_endpoint = true;
  fake_.http.Push(200, kAnswer);
  ASSERT_TRUE(WithWebIdentity());
  EXPECT_TRUE(fake_.http.seen()[2].allow_plain_http);
}

TEST_F(StsClientTest, TroubleOfTheIdentityProviderIsTriedAgainWithTheNewToken) {
  FakeAwsDependencies& fake = fake_;
  fake.http.Push(400, Error("IDPCommunicationError"));
  fake.http.Push(400, Error("InvalidIdentityToken"));
  fake.http.Push(200, kAnswer);
  settings_.max_attempts = 1;
  EXPECT_TRUE(WithWebIdentity());
  EXPECT_EQ(fake.files.reads["/token"], 3);
  EXPECT_EQ(fake.clock.sleeps().size(), 2u);
  for (int i = 0; i < 3; ++i)
    fake.http.Push(400, Error("InvalidIdentityToken"));
  EXPECT_EQ(WithWebIdentity().status().code(), StatusCode::kDenied);
}

TEST_F(StsClientTest, WhatMayPassIsTriedAgainUpToTheSetting) {
  for (int round = 0; round < 2; ++round) {
    settings_.max_attempts = 3;
    fake_.http.Push(503, "busy");
    fake_.http.PushError({StatusCode::kTimeout, "slow"});
    fake_.http.Push(400, Error("Throttling"));
    fake_.http.Push(200, kAnswer);
    EXPECT_EQ(AssumeRole().status().code(), StatusCode::kThrottled);
    EXPECT_TRUE(AssumeRole());  // Takes the one that is left.
  }
}

TEST_F(StsClientTest, RetriesTakeFromTheQuotaThatAllServicesShare) {
  ASSERT_TRUE(fake_.retry_quota.TryTake(495));  // By calls of KMS, say.
  for (int i = 0; i < 3; ++i) fake_.http.Push(503, "busy");
  EXPECT_FALSE(AssumeRole());
  EXPECT_EQ(fake_.http.seen().size(), 2u);
  EXPECT_EQ(fake_.retry_quota.available(), 0);
}

TEST_F(StsClientTest, RefusalsAreReadableAndFinal) {
  const std::pair<const char*, StatusCode> cases[] = {
      {"AccessDenied", StatusCode::kDenied},
      {"ExpiredToken", StatusCode::kDenied},
      {"ExpiredTokenException", StatusCode::kDenied},
      {"RegionDisabledException", StatusCode::kDenied}};
  for (const auto& [code, expected] : cases) {
    fake_.http.Push(403, Error(code));
    const Status status = AssumeRole().status();
    EXPECT_EQ(status.code(), expected);
    EXPECT_NE(status.message().find(std::string(code) + ": because"),
              std::string::npos);
    EXPECT_NE(status.message().find(role_.role_arn), std::string::npos);
  }
  EXPECT_EQ(fake_.http.seen().size(), 4u);
}

TEST_F(StsClientTest, AnswersThatAreNotFromStsAreErrorsAndNoCrash) {
  for (const char* body :
       {"", "<html>", "{}", "{\"Error\":", "<Code>", "\xff"}) {
    fake_.http.Push(403, body);
    EXPECT_FALSE(AssumeRole()) << body;
    for (int i = 0; i < 3; ++i) fake_.http.Push(200, body);
    EXPECT_EQ(AssumeRole().status().code(), StatusCode::kUnavailable) << body;
  }
}

TEST_F(StsClientTest, AnAnswerThatIsNotFromStsIsAskedForAgain) {
  fake_.http.Push(200, "<html>Please log in</html>");
  fake_.http.Push(200, kAnswer);
  EXPECT_TRUE(AssumeRole());
  EXPECT_EQ(fake_.http.seen().size(), 2u);
}

TEST_F(StsClientTest, AWrongClockIsCorrectedOnceFromTheAnswer) {
  const std::vector<Header> date = {{"date", "Fri, 02 Jan 2026 05:04:05 GMT"}};
  fake_.http.Push(403, Error("SignatureDoesNotMatch"), date);
  fake_.http.Push(200, kAnswer);
  EXPECT_TRUE(AssumeRole());
  EXPECT_EQ(fake_.http.seen()[1].HeaderOr("X-Amz-Date"), "20260102T050405Z");
  fake_.http.Push(403, Error("SignatureDoesNotMatch"), date);
  fake_.http.Push(403, Error("SignatureDoesNotMatch"), date);
  EXPECT_EQ(AssumeRole().status().code(), StatusCode::kDenied);
}

TEST_F(StsClientTest, ATokenFileThatIsMissingDeniedOrEmptyIsMisconfigured) {
  fake_.files.contents["/token"] = " \n";
  EXPECT_EQ(WithWebIdentity().status().code(), StatusCode::kMisconfigured);
  fake_.files.contents.clear();
  const Status status = WithWebIdentity().status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("/token"), std::string::npos);
  fake_.files.errors["/token"] = {StatusCode::kDenied, "Permission denied"};
  EXPECT_EQ(WithWebIdentity().status().code(), StatusCode::kMisconfigured);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(StsClientTest, ARoleThatIsNoneIsNotSent) {
  role_.role_arn = "db";
  EXPECT_EQ(AssumeRole().status().code(), StatusCode::kMisconfigured);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(StsClientTest, TheDeadlineBoundsAttemptsAndWaits) {
  settings_.max_attempts = 10;
  fake_.random.fraction = 0.9;
  for (int i = 0; i < 10; ++i) fake_.http.Push(500, "");
  const Status status =
      Client()
          .AssumeRoleWithWebIdentity("/token", role_,
                                     fake_.In(std::chrono::seconds(2)))
          .status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(fake_.http.seen().size(), 2u);
  EXPECT_EQ(fake_.http.seen()[0].timeout, Millis(2000));
  EXPECT_EQ(Client()
                .AssumeRoleWithWebIdentity("/token", role_, fake_.In(Millis(0)))
                .status()
                .code(),
            StatusCode::kTimeout);
}

TEST_F(StsClientTest, NoSecretIsInAnErrorText) {
  fake_.http.PushError({StatusCode::kMisconfigured, "certificate"});
  const Status status =
      Client()
          .AssumeRole({"AKID", TakeSecret("hush"), TakeSecret("hush"), {}},
                      role_, fake_.InAMinute())
          .status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_EQ(status.message().find("hush"), std::string::npos);
  EXPECT_EQ(fake_.log.Text().find("hush"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
