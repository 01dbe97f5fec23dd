// SPDX-License-Identifier: MIT
#include "server/mysql/component/registered_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "server/mysql/component/metric_entries.h"
#include "testing/mysql_component/component_under_test.h"

namespace openkeyring {
namespace {

MetricValues OneKey() {
  MetricValues values;
  values.keys = 1;
  return values;
}

class RegisteredMetricsTest : public testing::Test {
 protected:
  static Code Load() { return load_service.load("/plugins", "/data"); }
  std::string Value(const std::string& name) {
    const auto all = component_.server().StatusVariables();
    const std::map<std::string, std::string> shown(all.begin(), all.end());
    EXPECT_EQ(shown.size(), all.size()) << "a name is duplicate";
    const auto found = shown.find("openkeyring_" + name);
    return found == shown.end() ? "missing" : found->second;
  }
  void FailLoads() {
    component_.keys().SetHook([](const std::string& name, const KeyName&) {
      return name == "Load" ? Status(StatusCode::kDenied, "no") : Status::Ok();
    });
  }

  ComponentUnderTest component_;
};

TEST_F(RegisteredMetricsTest, TheServerHasAllOfThemFromTheFirstLoadOn) {
  component_.server().OfferStatusVariables();
  EXPECT_EQ(Value("loaded"), "missing");
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(component_.server().StatusVariables().size(), kMetricCount);
  EXPECT_EQ(Value("loaded"), "1");
  EXPECT_EQ(Value("load_failed"), "0");
  EXPECT_EQ(Value("keys"), "0");
  EXPECT_EQ(Value("requests"), "7") << "of the product";
  EXPECT_EQ(Value("slots"), "") << "unknown";
  ASSERT_TRUE(TheKeyring().Generate({"id", ""}, "AES", 32).ok());
  EXPECT_EQ(Value("keys"), "1");
}

TEST_F(RegisteredMetricsTest, AFailedLoadIsShown) {
  component_.server().OfferStatusVariables();
  FailLoads();
  ASSERT_EQ(Load(), kFailure);
  EXPECT_EQ(Value("loaded"), "0");
  EXPECT_EQ(Value("load_failed"), "1");
  EXPECT_EQ(Value("failures"), "1");
  EXPECT_EQ(Value("keys"), "") << "unknown, not none";
}

TEST_F(RegisteredMetricsTest, AfterAFailedReloadTheOldKeyringIsLoaded) {
  component_.server().OfferStatusVariables();
  ASSERT_EQ(Load(), kSuccess);
  FailLoads();
  ASSERT_EQ(Load(), kFailure);
  EXPECT_EQ(Value("loaded"), "1");
  EXPECT_EQ(Value("load_failed"), "1");
  component_.keys().SetHook(nullptr);
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(Value("load_failed"), "0");
  EXPECT_EQ(Value("failures"), "1");
}

TEST_F(RegisteredMetricsTest, FailedChangesAreCountedAndOrdinaryAnswersAreNot) {
  component_.server().OfferStatusVariables();
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(TheKeyring().Remove({"none", ""}).code(), StatusCode::kNotFound);
  EXPECT_EQ(Value("failures"), "0");
  component_.keys().SetHook([](const std::string&, const KeyName&) {
    return Status(StatusCode::kUnavailable, "no");
  });
  EXPECT_FALSE(TheKeyring().Generate({"id", ""}, "AES", 32).ok());
  EXPECT_FALSE(TheKeyring().Generate({"id", ""}, "AES", 32).ok());
  EXPECT_EQ(Value("failures"), "2");
}

TEST_F(RegisteredMetricsTest, AProgramWithoutTheServiceLoadsAllTheSame) {
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(component_.server().handles_held(), 0);
}

TEST_F(RegisteredMetricsTest, ARegistrationThatFailsHoldsNothing) {
  component_.server().OfferStatusVariables(/*fails=*/true);
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(component_.server().handles_held(), 0);
  TheMetrics().Unregister();
  EXPECT_EQ(component_.server().released_strangers(), 0);
}

TEST_F(RegisteredMetricsTest, AReloadDoesNotRegisterAgain) {
  component_.server().OfferStatusVariables();
  ASSERT_EQ(Load(), kSuccess);
  ASSERT_EQ(Load(), kSuccess);
  EXPECT_EQ(component_.server().StatusVariables().size(), kMetricCount);
}

TEST_F(RegisteredMetricsTest, ADeinitDoesNotUseTheRegistryThatIsLocked) {
  for (const bool has_other : {false, true}) {
    component_.server().OfferStatusVariables();
    if (has_other) component_.server().OfferLockedRegistry();
    Registry* registry = component_.server().registry();
    RegisteredMetrics metrics(registry, MetricEntries<OneKey>::entries);
    metrics.Register();
    EXPECT_EQ(Value("keys"), "1");
    component_.server().LockRegistry();
    metrics.Unregister();
    EXPECT_EQ(Value("keys"), "missing");
    EXPECT_EQ(component_.server().uses_of_locked_registry(), 0);
    EXPECT_EQ(component_.server().handles_held(), 0);
    component_.server().UnlockRegistry();
  }
}

}  // namespace
}  // namespace openkeyring
