// SPDX-License-Identifier: MIT
#include "aws/credentials/container.h"

#include <gtest/gtest.h>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr const char* kAnswer =
    R"({"AccessKeyId":"AKID","SecretAccessKey":"s","Token":"t",
        "Expiration":"2026-01-02T04:04:05Z"})";

class ContainerSourceTest : public ::testing::Test {
 protected:
  Result<Credentials> Fetch() {
    return ContainerSource(fake_.dependencies()).Fetch(fake_.InAMinute());
  }
  Status FetchFrom(const std::string& full_uri) {
    Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") = full_uri;
    return Fetch().status();
  }
  std::string& Variable(const char* name) {
    return fake_.environment.variables[name];
  }
  FakeAwsDependencies fake_;
};

TEST_F(ContainerSourceTest, ARelativeUriIsAskedOfTheEcsAgent) {
  Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") = "/v2/credentials/1";
  fake_.http.Push(200, kAnswer);
  const auto keys = Fetch();
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(keys->access_key_id, "AKID");
  EXPECT_EQ(keys->session_token.RevealText(), "t");
  EXPECT_EQ(IsoTime(*keys->expiration), "2026-01-02T04:04:05Z");
  const auto seen = fake_.http.seen()[0];
  EXPECT_EQ(seen.url, "http://169.254.170.2/v2/credentials/1");
  EXPECT_EQ(seen.timeout, Millis(2000));
  EXPECT_TRUE(seen.allow_plain_http);
  EXPECT_FALSE(seen.use_proxy);
  EXPECT_EQ(seen.HeaderOr("Authorization"), "");
}

TEST_F(ContainerSourceTest, AsksForJson) {
  fake_.http.Push(200, kAnswer);
  EXPECT_TRUE(FetchFrom("http://127.0.0.1/x").ok());
  EXPECT_EQ(fake_.http.seen()[0].HeaderOr("Accept"), "application/json");
}

TEST_F(ContainerSourceTest, AnAnswerWithoutATokenIsAskedForAgain) {
  fake_.http.Push(200, R"({"AccessKeyId":"AKID","SecretAccessKey":"s"})");
  fake_.http.Push(200, kAnswer);
  EXPECT_TRUE(FetchFrom("http://127.0.0.1/x").ok());
  EXPECT_EQ(fake_.http.seen().size(), 2u);
}

TEST_F(ContainerSourceTest, WithoutAUriItIsNotFound) {
  EXPECT_EQ(Fetch().status().code(), StatusCode::kNotFound);
}

TEST_F(ContainerSourceTest, OnlyKnownHostsMayBePlainHttp) {
  for (const char* uri :
       {"https://agent.example/x", "http://127.0.0.1:80/x",
        "http://localhost/x", "http://[::1]/x", "http://169.254.170.2/x",
        "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1"}) {
    fake_.http.Push(200, kAnswer);
    EXPECT_TRUE(FetchFrom(uri).ok()) << uri;
  }
  const size_t asked = fake_.http.seen().size();
  for (const char* uri : {"http://agent.example/x", "http://169.254.169.254/x",
                          "http://127.0.0.1.example/x",
                          "http://169.254.170.2@evil/x", "ftp://x", "agent"}) {
    EXPECT_EQ(FetchFrom(uri).code(), StatusCode::kMisconfigured) << uri;
  }
  EXPECT_EQ(fake_.http.seen().size(), asked);
}

TEST_F(ContainerSourceTest, ARelativeUriMustBeAPath) {
  Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") = "@evil.example/";
  EXPECT_EQ(Fetch().status().code(), StatusCode::kMisconfigured);
}

TEST_F(ContainerSourceTest, TheTokenFileIsPreferredAndReadEachTime) {
  Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") = "http://169.254.170.23/v1";
  Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") = "from variable";
  fake_.http.Push(200, kAnswer);
  EXPECT_TRUE(Fetch());
  EXPECT_EQ(fake_.http.seen()[0].HeaderOr("Authorization"), "from variable");
  Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") = "/run/token";
  for (const char* token : {"one", "two"}) {
    fake_.files.contents["/run/token"] = token;
    fake_.http.Push(200, kAnswer);
    EXPECT_TRUE(Fetch());
    EXPECT_EQ(fake_.http.seen().back().HeaderOr("Authorization"), token);
  }
}

TEST_F(ContainerSourceTest, ATokenWithALineEndIsRefusedUnquoted) {
  Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") = "http://169.254.170.23/v1";
  for (const char* token : {"hush\n", "hush\r\nX: y"}) {
    Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") = token;
    const Status status = Fetch().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_EQ(status.message().find("hush"), std::string::npos);
  }
  Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") = "/run/token";
  fake_.files.contents["/run/token"] = "hush\n";
  EXPECT_EQ(Fetch().status().code(), StatusCode::kMisconfigured);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(ContainerSourceTest, ATokenFileThatCannotBeReadIsMisconfigured) {
  Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") = "http://169.254.170.23/v1";
  Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") = "/run/token";
  const Status status = Fetch().status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("/run/token"), std::string::npos);
}

TEST_F(ContainerSourceTest, WhatMayPassIsTriedThreeTimesASecondApart) {
  Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") = "/x";
  fake_.http.PushError({StatusCode::kTimeout, "slow"});
  fake_.http.Push(500, "");
  fake_.http.Push(200, kAnswer);
  EXPECT_TRUE(Fetch());
  EXPECT_EQ(fake_.clock.sleeps(), std::vector<Millis>(2, Millis(1000)));
  for (int i = 0; i < 4; ++i) fake_.http.Push(200, "<html>");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(fake_.http.seen().size(), 6u);
}

TEST_F(ContainerSourceTest, ARefusalIsFinalAndExplained) {
  Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") = "/x";
  fake_.http.Push(400, R"({"code":"NoRole","message":"no role for the pod"})");
  const Status status = Fetch().status();
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_NE(status.message().find("HTTP 400: NoRole: no role for the pod"),
            std::string::npos);
  EXPECT_EQ(fake_.http.seen().size(), 1u);
}

TEST_F(ContainerSourceTest, TheDeadlineLeavesNoTimeForAnotherAttempt) {
  Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") = "/x";
  fake_.http.PushError({StatusCode::kUnavailable, "refused"});
  const Status status = ContainerSource(fake_.dependencies())
                            .Fetch(fake_.In(Millis(900)))
                            .status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(fake_.http.seen().size(), 1u);
  EXPECT_EQ(fake_.http.seen()[0].timeout, Millis(900));
}

}  // namespace
}  // namespace openkeyring
