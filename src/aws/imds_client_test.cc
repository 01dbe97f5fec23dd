// SPDX-License-Identifier: MIT
#include "aws/imds_client.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

constexpr const char* kPath = "/latest/meta-data/placement/region";

class ImdsClientTest : public ::testing::Test {
 protected:
  Result<Secret> Get() { return client_.Get(kPath, fake_.InAMinute()); }
  std::string Text() {
    const Result<Secret> text = Get();
    return text ? std::string(text->RevealText())
                : "error " + text.error().ToString();
  }
  std::string& Variable(const char* name) {
    return fake_.environment.variables[name];
  }

  FakeAwsDependencies fake_;
  ImdsClient client_{fake_.dependencies(), "default"};
};

TEST_F(ImdsClientTest, AsksForATokenOnceAndSendsItEachTime) {
  fake_.http.Push(200, "TOKEN");
  fake_.http.Push(200, "one");
  fake_.http.Push(200, "two");
  EXPECT_EQ(Text(), "one");
  EXPECT_EQ(Text(), "two");
  const auto seen = fake_.http.seen();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].method, "PUT");
  EXPECT_EQ(seen[0].url, "http://169.254.169.254/latest/api/token");
  EXPECT_EQ(seen[0].HeaderOr("X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(seen[2].method, "GET");
  EXPECT_EQ(seen[2].url, std::string("http://169.254.169.254") + kPath);
  EXPECT_EQ(seen[2].HeaderOr("X-aws-ec2-metadata-token"), "TOKEN");
  for (const auto& request : seen) {
    EXPECT_TRUE(request.allow_plain_http);
    EXPECT_FALSE(request.use_proxy);
    EXPECT_EQ(request.timeout, Millis(1000));
  }
}

TEST_F(ImdsClientTest, AnOldTokenIsRenewed) {
  for (const char* body : {"T1", "one", "T2", "two"})
    fake_.http.Push(200, body);
  EXPECT_EQ(Text(), "one");
  fake_.clock.Advance(std::chrono::hours(6));
  EXPECT_EQ(Text(), "two");
  EXPECT_EQ(fake_.http.seen()[3].HeaderOr("X-aws-ec2-metadata-token"), "T2");
}

TEST_F(ImdsClientTest, A401OnTheGetRenewsTheTokenOnce) {
  fake_.http.Push(200, "T1");
  fake_.http.Push(401, "");
  fake_.http.Push(200, "T2");
  fake_.http.Push(200, "here");
  EXPECT_EQ(Text(), "here");
  fake_.http.Push(401, "");
  fake_.http.Push(200, "T3");
  fake_.http.Push(401, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kDenied);
}

TEST_F(ImdsClientTest, WhereTokensAreUnknownVersion1IsUsed) {
  for (const int status : {403, 404, 405}) {
    fake_.http.Push(status, "");
    fake_.http.Push(200, "v1");
    ImdsClient client(fake_.dependencies(), "default");
    const auto text = client.Get(kPath, fake_.InAMinute());
    ASSERT_TRUE(text) << text.error().message();
    EXPECT_EQ(text->RevealText(), "v1");
    EXPECT_EQ(fake_.http.seen().back().HeaderOr("X-aws-ec2-metadata-token"),
              "");
  }
}

TEST_F(ImdsClientTest, OnceVersion1IsKnownNoTokenIsAskedForUntilItIsRefused) {
  fake_.http.Push(404, "");
  for (const char* body : {"one", "two"}) fake_.http.Push(200, body);
  EXPECT_EQ(Text(), "one");
  EXPECT_EQ(Text(), "two");
  EXPECT_EQ(fake_.http.seen().size(), 3u);
  fake_.http.Push(401, "");
  fake_.http.Push(200, "TOKEN");
  fake_.http.Push(200, "three");
  EXPECT_EQ(Text(), "three");
}

TEST_F(ImdsClientTest, Version1IsForgottenWhenItIsForbidden) {
  fake_.http.Push(404, "");
  fake_.http.Push(200, "one");
  EXPECT_EQ(Text(), "one");
  Variable("AWS_EC2_METADATA_V1_DISABLED") = "true";
  fake_.http.Push(404, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kDenied);
}

TEST_F(ImdsClientTest, ATokenGoesToTheEndpointThatGaveItOnly) {
  for (const char* body : {"T1", "one", "T2", "two"}) {
    fake_.http.Push(200, body);
  }
  EXPECT_EQ(Text(), "one");
  Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") = "http://other";
  EXPECT_EQ(Text(), "two");
  EXPECT_EQ(fake_.http.seen()[3].HeaderOr("X-aws-ec2-metadata-token"), "T2");
}

TEST_F(ImdsClientTest, AnEmptyAnswerIsAskedForAgain) {
  fake_.http.Push(200, "TOKEN");
  fake_.http.Push(200, "\n");
  fake_.http.Push(200, "");
  fake_.http.Push(200, "here");
  EXPECT_EQ(Text(), "here");
  for (int i = 0; i < 3; ++i) fake_.http.Push(200, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kUnavailable);
}

TEST_F(ImdsClientTest, Version1CanBeForbiddenByVariableOrProfile) {
  fake_.http.Push(404, "");
  Variable("AWS_EC2_METADATA_V1_DISABLED") = "true";
  EXPECT_EQ(Get().status().code(), StatusCode::kDenied);
  Variable("AWS_EC2_METADATA_V1_DISABLED") = "";
  fake_.SetConfig("[default]\nec2_metadata_v1_disabled = true\n");
  fake_.http.Push(405, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kDenied);
  EXPECT_EQ(fake_.http.seen().size(), 2u);
}

TEST_F(ImdsClientTest, A400OnTheTokenIsAnErrorAndNotVersion1) {
  fake_.http.Push(400, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(fake_.http.seen().size(), 1u);
}

TEST_F(ImdsClientTest, WhatComesWithAnErrorIsNoToken) {
  for (const int status : {204, 302, 400}) {
    fake_.http.Push(status, "TOKEN");
    const std::string text = Text();
    EXPECT_NE(text.find("answers the request for a token with HTTP"),
              std::string::npos)
        << text;
    EXPECT_EQ(fake_.http.seen().back().method, "PUT") << status;
  }
}

TEST_F(ImdsClientTest, NoAnswerIsUnavailableAndTellsOfTheHopLimit) {
  fake_.http.PushError({StatusCode::kTimeout, "timed out"});
  const Status status = Get().status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("hop limit"), std::string::npos);
  EXPECT_EQ(fake_.http.seen().size(), 1u);
}

TEST_F(ImdsClientTest, ABusyServiceIsAskedAgain) {
  fake_.http.Push(503, "");
  fake_.http.Push(200, "T");
  fake_.http.Push(500, "");
  fake_.http.Push(429, "");
  fake_.http.Push(200, "here");
  EXPECT_EQ(Text(), "here");
  EXPECT_EQ(fake_.clock.sleeps().size(), 3u);
  for (int i = 0; i < 3; ++i) fake_.http.Push(503, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kUnavailable);
}

TEST_F(ImdsClientTest, NotFoundAndForbiddenAreWhatTheServiceSays) {
  fake_.http.Push(200, "T");
  fake_.http.Push(404, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kNotFound);
  fake_.http.Push(403, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kDenied);
}

TEST_F(ImdsClientTest, SwitchedOffItAsksNobody) {
  Variable("AWS_EC2_METADATA_DISABLED") = "True";
  EXPECT_EQ(Get().status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(ImdsClientTest, VariablesSetEndpointTimeoutAndAttempts) {
  Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") = "http://imds.test:8080/";
  Variable("AWS_METADATA_SERVICE_TIMEOUT") = "4";
  Variable("AWS_METADATA_SERVICE_NUM_ATTEMPTS") = "2";
  fake_.http.PushError({StatusCode::kUnavailable, "refused"});
  fake_.http.Push(200, "T");
  fake_.http.Push(200, "here");
  EXPECT_EQ(Text(), "here");
  EXPECT_EQ(fake_.http.seen()[0].url, "http://imds.test:8080/latest/api/token");
  EXPECT_EQ(fake_.http.seen()[0].timeout, Millis(4000));
}

TEST_F(ImdsClientTest, TheProfileSetsThemToo) {
  fake_.SetConfig(
      "[default]\nec2_metadata_service_endpoint_mode = ipv6\n"
      "metadata_service_timeout = 3\nmetadata_service_num_attempts = 2\n");
  fake_.http.PushError({StatusCode::kUnavailable, "refused"});
  fake_.http.Push(404, "");
  fake_.http.Push(200, "here");
  EXPECT_EQ(Text(), "here");
  EXPECT_EQ(fake_.http.seen()[0].url,
            "http://[fd00:ec2::254]/latest/api/token");
  EXPECT_EQ(fake_.http.seen()[0].timeout, Millis(3000));
  fake_.SetConfig("[default]\nec2_metadata_service_endpoint = http://other\n");
  fake_.http.Push(404, "");
  fake_.http.Push(200, "there");
  EXPECT_EQ(Text(), "there");
  EXPECT_EQ(fake_.http.seen().back().url, std::string("http://other") + kPath);
}

TEST_F(ImdsClientTest, BadSettingsAreMisconfiguredAndNamed) {
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{
           {"AWS_EC2_METADATA_DISABLED", "1"},
           {"AWS_EC2_METADATA_V1_DISABLED", "yes"},
           {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "imds"},
           {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"},
           {"AWS_METADATA_SERVICE_TIMEOUT", "0"},
           {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "lots"}}) {
    Variable(name) = value;
    const Status status = Get().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << name;
    EXPECT_NE(status.message().find(name), std::string::npos);
    fake_.environment.variables.erase(name);
  }
}

TEST_F(ImdsClientTest, AnUnusableTokenIsNotSent) {
  for (const std::string& token :
       {std::string("a\r\nb"), std::string(5000, 'a')}) {
    fake_.http.Push(200, token);
    EXPECT_EQ(Get().status().code(), StatusCode::kUnavailable);
  }
  EXPECT_EQ(fake_.http.seen().size(), 2u);
  for (int i = 0; i < 3; ++i) fake_.http.Push(200, "");
  EXPECT_EQ(Get().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(fake_.http.seen().size(), 5u);
}

TEST_F(ImdsClientTest, TheDeadlineBoundsEveryRequest) {
  fake_.http.Push(200, "T");
  fake_.http.Push(200, "here");
  ASSERT_TRUE(client_.Get(kPath, fake_.In(Millis(300))));
  EXPECT_EQ(fake_.http.seen()[0].timeout, Millis(300));
  EXPECT_EQ(client_.Get(kPath, fake_.In(Millis(0))).status().code(),
            StatusCode::kTimeout);
  EXPECT_EQ(fake_.http.seen().size(), 2u);
}

}  // namespace
}  // namespace openkeyring
