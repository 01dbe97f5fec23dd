// SPDX-License-Identifier: MIT
#include "aws/credentials/imds.h"

#include <gtest/gtest.h>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using std::chrono::minutes;

class ImdsSourceTest : public ::testing::Test {
 protected:
  Result<Credentials> Fetch() { return source_.Fetch(fake_.InAMinute()); }
  // Token, role name and then `body`.
  Result<Credentials> FetchWith(const std::string& body) {
    fake_.http.Push(200, "TOKEN");
    fake_.http.Push(200, "db-role\n");
    fake_.http.Push(200, body);
    return ImdsSource(fake_.dependencies(), "default").Fetch(fake_.InAMinute());
  }
  std::string Answer(Millis life) {
    return R"({"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"s",
               "Token":"t","Expiration":")" +
           IsoTime(fake_.clock.Now() + life) + "\"}";
  }
  FakeAwsDependencies fake_;
  ImdsSource source_{fake_.dependencies(), "default"};
};

TEST_F(ImdsSourceTest, AsksForTheRoleAndThenForItsCredentials) {
  const auto keys = FetchWith(Answer(minutes(60)));
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(keys->access_key_id, "AKID");
  EXPECT_EQ(keys->secret_access_key.RevealText(), "s");
  EXPECT_EQ(keys->session_token.RevealText(), "t");
  EXPECT_EQ(*keys->expiration, fake_.clock.Now() + minutes(60));
  EXPECT_EQ(fake_.http.seen()[2].url,
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
            "db-role");
  EXPECT_EQ(fake_.log.Text(), "");
}

TEST_F(ImdsSourceTest, AnInstanceWithoutARoleIsNotFound) {
  fake_.http.Push(200, "TOKEN");
  fake_.http.Push(404, "");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kNotFound);
}

TEST_F(ImdsSourceTest, ARoleThatVanishesInBetweenIsUnavailableNotNotFound) {
  fake_.http.Push(200, "TOKEN");
  fake_.http.Push(200, "db-role");
  fake_.http.Push(404, "");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kUnavailable);
}

TEST_F(ImdsSourceTest, NoAnswerIsUnavailable) {
  fake_.http.PushError({StatusCode::kTimeout, "timed out"});
  EXPECT_EQ(Fetch().status().code(), StatusCode::kUnavailable);
}

TEST_F(ImdsSourceTest, ARoleNameThatIsNoneGoesIntoNoPath) {
  fake_.http.Push(200, "TOKEN");
  fake_.http.Push(200, "<html>captive portal</html>");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(fake_.http.seen().size(), 2u);
}

TEST_F(ImdsSourceTest, WhatTheServiceComplainsOfIsTold) {
  const Status status = FetchWith(R"({"Code":"AssumeRoleUnauthorizedAccess",
                    "Message":"EC2 cannot assume the role"})")
                            .status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("AssumeRoleUnauthorizedAccess EC2 cannot"),
            std::string::npos);
}

TEST_F(ImdsSourceTest, AnAnswerWithoutKeysOrNotJsonIsCorrupt) {
  for (const char* body :
       {"{}", "<html/>", R"({"Code":"Success"})",
        R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s"})"}) {
    EXPECT_EQ(FetchWith(body).status().code(), StatusCode::kCorrupt) << body;
  }
}

TEST_F(ImdsSourceTest, ExpiredCredentialsLiveOnDuringAnOutage) {
  fake_.random.fraction = 0.5;  // 10 minutes and the middle of 2 to 10.
  for (const Millis life : {Millis(minutes(-30)), Millis(minutes(5))}) {
    const auto keys = FetchWith(Answer(life));
    ASSERT_TRUE(keys);
    EXPECT_EQ(*keys->expiration, fake_.clock.Now() + minutes(16));
  }
  EXPECT_NE(fake_.log.Text().find("are used until"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
