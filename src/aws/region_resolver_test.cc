// SPDX-License-Identifier: MIT
#include "aws/region_resolver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

AwsSettings NoRegion() {
  AwsSettings settings;
  settings.profile = "default";
  return settings;
}

TEST(RegionResolver, WhatTheSettingsSayNeedsNoRequest) {
  FakeAwsDependencies fake;
  AwsSettings settings = NoRegion();
  settings.region = "eu-west-1";
  RegionResolver resolver(fake.dependencies(), settings);
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "eu-west-1");
  EXPECT_TRUE(fake.http.seen().empty());
}

TEST(RegionResolver, TheInstanceIsAskedOnceAndItsAnswerKept) {
  FakeAwsDependencies fake;
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "ap-south-1\n");
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "ap-south-1");
  fake.clock.Advance(std::chrono::hours(24));
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "ap-south-1");
  EXPECT_EQ(fake.http.seen().size(), 2u);
}

TEST(RegionResolver, AnInstanceThatDoesNotAnswerIsAnErrorAndNoRegion) {
  FakeAwsDependencies fake;
  RegionResolver resolver(fake.dependencies(), NoRegion());
  const Status status = resolver.RegionFor("", fake.InAMinute()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("set the region"), std::string::npos);
  EXPECT_NE(status.message().find("metadata"), std::string::npos);
  EXPECT_EQ(status.message().find("us-east-1"), std::string::npos);
}

TEST(RegionResolver, AFailureIsSharedForTwoSecondsAndThenAskedAgain) {
  FakeAwsDependencies fake;
  fake.http.PushError({StatusCode::kTimeout, "hung"});
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "eu-north-1");
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_FALSE(resolver.RegionFor("", fake.InAMinute()));
  fake.clock.Advance(Millis(1999));
  EXPECT_FALSE(resolver.RegionFor("", fake.InAMinute()));
  EXPECT_EQ(fake.http.seen().size(), 1u);
  fake.clock.Advance(Millis(1));
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "eu-north-1");
}

TEST(RegionResolver, WhereTheInstanceRefusesTheRegionMustBeSet) {
  FakeAwsDependencies fake;
  fake.http.Push(200, "TOKEN");
  fake.http.Push(403, "");
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()).status().code(),
            StatusCode::kMisconfigured);
}

TEST(RegionResolver, WithoutAnyMetadataServiceItIsUsEast1WithAWarning) {
  FakeAwsDependencies fake;
  fake.environment.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "us-east-1");
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "us-east-1");
  ASSERT_EQ(fake.log.lines().size(), 1u);
  EXPECT_EQ(fake.log.lines()[0].first, LogLevel::kWarning);
  EXPECT_NE(fake.log.Text().find("us-east-1"), std::string::npos);
}

TEST(RegionResolver, AnAnswerThatIsNotARegionIsNotBelieved) {
  FakeAwsDependencies fake;
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "<html>evil.example/</html>");
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()).status().code(),
            StatusCode::kUnavailable);
}

TEST(RegionResolver, TheArnOfAKeyNamesItsRegionAndNobodyIsAsked) {
  constexpr char kStored[] = "arn:aws:kms:eu-west-1:1:key/a";
  constexpr char kReplica[] = "arn:aws:kms:eu-west-1:1:key/mrk-a";
  FakeAwsDependencies fake;
  std::string configured = "alias/db";
  RegionResolver resolver(fake.dependencies(), NoRegion(),
                          [&] { return configured; });
  EXPECT_EQ(resolver.RegionFor(kStored, fake.InAMinute()), "eu-west-1");
  EXPECT_EQ(resolver.RegionFor(kReplica, fake.InAMinute()), "eu-west-1");
  configured = "arn:aws:kms:sa-east-1:1:alias/db";
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "sa-east-1");
  EXPECT_EQ(resolver.RegionFor(configured, fake.InAMinute()), "sa-east-1");
  EXPECT_EQ(resolver.RegionFor(kStored, fake.InAMinute()), "eu-west-1");
  EXPECT_EQ(resolver.RegionFor(kReplica, fake.InAMinute()), "sa-east-1")
      << "the replica beside the configured key";
  EXPECT_TRUE(fake.http.seen().empty());
  AwsSettings settings = NoRegion();
  settings.region = "ca-west-1";
  RegionResolver set(fake.dependencies(), settings, [&] { return configured; });
  EXPECT_EQ(set.RegionFor(kStored, fake.InAMinute()), "ca-west-1");
}

// It would become a part of the host that is asked.
TEST(RegionResolver, AnArnWithoutTheNameOfARegionIsRefused) {
  FakeAwsDependencies fake;
  std::string configured;
  RegionResolver resolver(fake.dependencies(), NoRegion(),
                          [&] { return configured; });
  const std::string bad = "arn:aws:kms:evil.example/x:1:key/a";
  const auto refusal = [&](const std::string& key_id) {
    const Status status = resolver.RegionFor(key_id, fake.InAMinute()).status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
    EXPECT_NE(status.message().find("\"evil.example/x\""), std::string::npos)
        << status.message();
  };
  refusal(bad);
  configured = bad;
  refusal("");
  refusal("arn:aws:kms:eu-west-1:1:key/mrk-a");
  configured = "";
  refusal("arn:aws:kms:evil.example/x:1:key/mrk-a");
  EXPECT_TRUE(fake.http.seen().empty());
}

TEST(RegionResolver, ACallWithoutTimeLeftAsksNobodyAndSpoilsNothing) {
  FakeAwsDependencies fake;
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.RegionFor("", fake.In(Millis(0))).status().code(),
            StatusCode::kTimeout);
  EXPECT_TRUE(fake.http.seen().empty());
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "eu-north-1");
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "eu-north-1");
}

TEST(RegionResolver, ACancelledCallSpoilsNothing) {
  Cancellation cancellation;
  FakeAwsDependencies fake(
      [&](const HttpRequest& request) -> Result<HttpResponse> {
        if (request.cancellation == nullptr) return MakeResponse(200, "eu-a-1");
        cancellation.Cancel();
        return Status(StatusCode::kTimeout, "nobody waits for it");
      });
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_FALSE(
      resolver.RegionFor("", fake.InAMinute().CancelledBy(cancellation)));
  EXPECT_EQ(resolver.RegionFor("", fake.InAMinute()), "eu-a-1");
}

TEST(RegionResolver, CallersAtOnceShareOneQuestionAndAllGetItsAnswer) {
  std::atomic<int> requests{0};
  FakeAwsDependencies fake(
      [&](const HttpRequest& request) -> Result<HttpResponse> {
        ++requests;
        SystemClock().SleepFor(Millis(20));
        return MakeResponse(200, request.method == "PUT" ? "T" : "eu-west-3");
      });
  RegionResolver resolver(fake.dependencies(), NoRegion());
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      if (resolver.RegionFor("", fake.InAMinute()) == "eu-west-3") ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(requests, 2);
}

}  // namespace
}  // namespace openkeyring
