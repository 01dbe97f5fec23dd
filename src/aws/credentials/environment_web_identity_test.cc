// SPDX-License-Identifier: MIT
#include "aws/credentials/environment_web_identity.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr const char* kAnswer =
    "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></R>";

class EnvironmentWebIdentityTest : public ::testing::Test {
 protected:
  EnvironmentWebIdentityTest() {
    settings_.region = "eu-west-1";
    region_ = std::make_unique<RegionResolver>(fake_.dependencies(), settings_);
    sts_ =
        std::make_shared<StsClient>(fake_.dependencies(), settings_, *region_);
    fake_.files.contents["/token"] = "jwt";
    fake_.http.Push(200, kAnswer);
  }
  Result<Credentials> FromEnvironment() {
    return EnvironmentWebIdentitySource(fake_.dependencies(), sts_)
        .Fetch(fake_.InAMinute());
  }
  bool BodyHas(const std::string& text) {
    return fake_.http.seen().at(0).body.find(text) != std::string::npos;
  }

  FakeAwsDependencies fake_;
  AwsSettings settings_;
  std::unique_ptr<RegionResolver> region_;
  std::shared_ptr<StsClient> sts_;
};

TEST_F(EnvironmentWebIdentityTest, TheEnvironmentNamesTokenRoleAndSession) {
  fake_.environment.variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                 {"AWS_ROLE_ARN", "arn:aws:iam::1:role/pod"},
                                 {"AWS_ROLE_SESSION_NAME", "my-session"}};
  EXPECT_EQ(FromEnvironment()->access_key_id, "ASIA");
  EXPECT_TRUE(BodyHas("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fpod"));
  EXPECT_TRUE(BodyHas("RoleSessionName=my-session&"));
}

TEST_F(EnvironmentWebIdentityTest, TheSessionIsNamedAfterThisProgramOtherwise) {
  fake_.environment.variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                 {"AWS_ROLE_ARN", "arn:aws:iam::1:role/pod"}};
  EXPECT_TRUE(FromEnvironment());
  EXPECT_TRUE(BodyHas("RoleSessionName=openkeyring-"));
}

TEST_F(EnvironmentWebIdentityTest,
       WithoutATokenFileItIsNotFoundAndWithoutARoleNotRight) {
  EXPECT_EQ(FromEnvironment().status().code(), StatusCode::kNotFound);
  fake_.environment.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  const Status status = FromEnvironment().status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("AWS_ROLE_ARN"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
