// SPDX-License-Identifier: MIT
#include "aws/credentials/assumed_role.h"

#include <gtest/gtest.h>

#include "aws/credentials/explicit.h"
#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr const char* kAnswer =
    "<R><Credentials><AccessKeyId>Top</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></R>";

class AssumedRoleTest : public ::testing::Test {
 protected:
  AssumedRoleTest() {
    settings_.region = "eu-west-1";
    region_ = std::make_unique<RegionResolver>(fake_.dependencies(), settings_);
    sts_ =
        std::make_shared<StsClient>(fake_.dependencies(), settings_, *region_);
    fake_.http.Push(200, kAnswer);
  }
  Result<Credentials> FetchOnTop(const char* id) {
    AwsOptions options;
    options.access_key_id = id;
    options.secret_access_key = TakeSecret(*id ? "s" : "");
    CredentialSources below;
    below.push_back(std::make_unique<ExplicitSource>(options));
    return AssumedRoleSource(std::move(below), sts_,
                             {"arn:aws:iam::1:role/Top", "", "ext", {}})
        .Fetch(fake_.InAMinute());
  }

  FakeAwsDependencies fake_;
  AwsSettings settings_;
  std::unique_ptr<RegionResolver> region_;
  std::shared_ptr<StsClient> sts_;
};

TEST_F(AssumedRoleTest, TheRoleIsTakenWithWhatIsBelow) {
  const auto keys = FetchOnTop("X");
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(keys->access_key_id, "Top");
  const auto seen = fake_.http.seen()[0];
  EXPECT_NE(seen.HeaderOr("Authorization").find("=X/"), std::string::npos);
  EXPECT_NE(seen.body.find("RoleSessionName=openkeyring-"), std::string::npos);
  EXPECT_NE(seen.body.find("ExternalId=ext"), std::string::npos);
}

TEST_F(AssumedRoleTest, WithNothingBelowItIsMisconfiguredAndNotNotFound) {
  EXPECT_EQ(FetchOnTop("").status().code(), StatusCode::kMisconfigured);
}

}  // namespace
}  // namespace openkeyring
