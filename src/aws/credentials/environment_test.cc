// SPDX-License-Identifier: MIT
#include "aws/credentials/environment.h"

#include <gtest/gtest.h>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

class EnvironmentSourceTest : public ::testing::Test {
 protected:
  Result<Credentials> Fetch() {
    return EnvironmentSource(fake_.environment).Fetch(fake_.InAMinute());
  }
  std::string Refusal() {
    const Status status = Fetch().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_EQ(status.message().find("hush"), std::string::npos);
    return status.message();
  }
  std::string& Variable(const char* name) {
    return fake_.environment.variables[name];
  }
  FakeAwsDependencies fake_;
};

TEST_F(EnvironmentSourceTest, TheTokensOldNameIsReadToo) {
  Variable("AWS_ACCESS_KEY_ID") = "AKID";
  Variable("AWS_SECRET_ACCESS_KEY") = "secret";
  Variable("AWS_SECURITY_TOKEN") = "old";
  EXPECT_EQ(Fetch()->session_token.RevealText(), "old");
  Variable("AWS_SESSION_TOKEN") = "new";
  EXPECT_EQ(Fetch()->session_token.RevealText(), "new");
}

TEST_F(EnvironmentSourceTest, GivesWhatTheVariablesSay) {
  Variable("AWS_ACCESS_KEY_ID") = "AKID";
  Variable("AWS_SECRET_ACCESS_KEY") = "secret";
  auto keys = Fetch();
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->session_token.empty());
  EXPECT_FALSE(keys->expiration);
  Variable("AWS_SESSION_TOKEN") = "token";
  Variable("AWS_CREDENTIAL_EXPIRATION") = "2026-01-02T04:04:05Z";
  keys = Fetch();
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->access_key_id, "AKID");
  EXPECT_EQ(keys->secret_access_key.RevealText(), "secret");
  EXPECT_EQ(keys->session_token.RevealText(), "token");
  EXPECT_EQ(IsoTime(*keys->expiration), "2026-01-02T04:04:05Z");
}

TEST_F(EnvironmentSourceTest, WithoutVariablesItIsNotFound) {
  EXPECT_EQ(Fetch().status().code(), StatusCode::kNotFound);
}

TEST_F(EnvironmentSourceTest, TheMissingHalfIsNamed) {
  Variable("AWS_ACCESS_KEY_ID") = "AKID";
  EXPECT_NE(Refusal().find("AWS_SECRET_ACCESS_KEY is not"), std::string::npos);
  fake_.environment.variables = {{"AWS_SECRET_ACCESS_KEY", "hush"}};
  EXPECT_NE(Refusal().find("AWS_ACCESS_KEY_ID is not"), std::string::npos);
}

TEST_F(EnvironmentSourceTest, AnExpirationThatIsNoTimeIsRefused) {
  fake_.environment.variables = {{"AWS_ACCESS_KEY_ID", "AKID"},
                                 {"AWS_SECRET_ACCESS_KEY", "hush"},
                                 {"AWS_CREDENTIAL_EXPIRATION", "tomorrow"}};
  EXPECT_NE(Refusal().find("AWS_CREDENTIAL_EXPIRATION"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
