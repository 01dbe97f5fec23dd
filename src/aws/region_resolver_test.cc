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
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "eu-west-1");
  EXPECT_TRUE(fake.http.seen().empty());
}

TEST(RegionResolver, TheInstanceIsAskedOnceAndItsAnswerKept) {
  FakeAwsDependencies fake;
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "ap-south-1\n");
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "ap-south-1");
  fake.clock.Advance(std::chrono::hours(24));
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "ap-south-1");
  EXPECT_EQ(fake.http.seen().size(), 2u);
}

TEST(RegionResolver, WithoutAnAnswerItIsUsEast1AndTheLogSaysWhyOnce) {
  FakeAwsDependencies fake;
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "us-east-1");
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "us-east-1");
  EXPECT_EQ(fake.http.seen().size(), 1u);
  EXPECT_NE(fake.log.Text().find("us-east-1"), std::string::npos);
  EXPECT_NE(fake.log.Text().find("metadata"), std::string::npos);
  fake.clock.Advance(std::chrono::minutes(2));
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "us-east-1");
  EXPECT_EQ(fake.http.seen().size(), 2u);
  EXPECT_EQ(fake.log.lines().size(), 1u);
}

TEST(RegionResolver, AfterAMinuteTheInstanceMayStillAnswer) {
  FakeAwsDependencies fake;
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "us-east-1");
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "eu-north-1");
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "us-east-1");
  fake.clock.Advance(std::chrono::seconds(61));
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "eu-north-1");
}

TEST(RegionResolver, AnAnswerThatIsNoRegionIsNotBelieved) {
  FakeAwsDependencies fake;
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "<html>evil.example/</html>");
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "us-east-1");
}

TEST(RegionResolver, ACallWithoutTimeLeftAsksNobodyAndSpoilsNothing) {
  FakeAwsDependencies fake;
  RegionResolver resolver(fake.dependencies(), NoRegion());
  EXPECT_EQ(resolver.Region(fake.In(Millis(0))), "us-east-1");
  EXPECT_TRUE(fake.http.seen().empty());
  fake.http.Push(200, "TOKEN");
  fake.http.Push(200, "eu-north-1");
  EXPECT_EQ(resolver.Region(fake.InAMinute()), "eu-north-1");
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
      if (resolver.Region(fake.InAMinute()) == "eu-west-3") ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(requests, 2);
}

}  // namespace
}  // namespace openkeyring
