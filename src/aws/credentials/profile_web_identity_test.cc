// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_web_identity.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr const char* kAnswer =
    "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></R>";

class ProfileWebIdentityTest : public ::testing::Test {
 protected:
  ProfileWebIdentityTest() {
    settings_.region = "eu-west-1";
    region_ = std::make_unique<RegionResolver>(fake_.dependencies(), settings_);
    sts_ =
        std::make_shared<StsClient>(fake_.dependencies(), settings_, *region_);
    fake_.files.contents["/token"] = "jwt";
    fake_.http.Push(200, kAnswer);
  }
  Result<Credentials> FromProfile(const std::string& keys) {
    fake_.SetConfig("[profile x]\n" + keys);
    return ProfileWebIdentitySource(fake_.dependencies(), sts_, "x")
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

TEST_F(ProfileWebIdentityTest, AProfileNamesThemToo) {
  EXPECT_TRUE(
      FromProfile("role_arn = arn:aws:iam::1:role/pod\n"
                  "web_identity_token_file = /token\n"
                  "role_session_name = mine\nduration_seconds = 900\n"));
  EXPECT_TRUE(BodyHas("RoleSessionName=mine&DurationSeconds=900&"));
}

TEST_F(ProfileWebIdentityTest, AProfileWithHalfOfItIsRefused) {
  EXPECT_EQ(FromProfile("region = r\n").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(FromProfile("web_identity_token_file = /token\n").status().code(),
            StatusCode::kMisconfigured);
  const Status status =
      FromProfile(
          "role_arn = arn:aws:iam::1:role/pod\n"
          "web_identity_token_file = /token\nduration_seconds = 5\n")
          .status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("duration_seconds"), std::string::npos);
  EXPECT_TRUE(fake_.http.seen().empty());
}

}  // namespace
}  // namespace openkeyring
