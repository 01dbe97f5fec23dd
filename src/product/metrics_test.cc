// SPDX-License-Identifier: MIT
#include "product/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace openkeyring {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const WallTime kNow(seconds(1000));

std::string Text(const std::string& name, const MetricValues& values) {
  for (const Metric& metric : kMetrics) {
    if (metric.name == name) return MetricText(metric, values);
  }
  return "no such metric";
}

TEST(MetricsTest, NamesAndValuesAreDifferentAndInLowerCase) {
  std::set<std::string> names;
  for (const Metric& metric : kMetrics) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_EQ(std::string(metric.name)
                  .find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
              std::string::npos)
        << metric.name;
    MetricValues values;
    values.*metric.value = 1;
    size_t shown = 0;
    for (const Metric& other : kMetrics) {
      shown += MetricText(other, values).empty() ? 0 : 1;
    }
    EXPECT_EQ(shown, 1u) << metric.name << " shares its value";
  }
}

// mysqld_exporter leaves out what is not a number, so no alert can take it for
// one.
TEST(MetricsTest, WhatIsUnknownIsNoNumber) {
  for (const Metric& metric : kMetrics) {
    EXPECT_EQ(MetricText(metric, MetricValues()), "") << metric.name;
  }
}

TEST(MetricsTest, WhatIsKnownIsADecimalNumber) {
  MetricValues values;
  values.keys = 0;
  values.credentials_expire = -7;
  EXPECT_EQ(Text("keys", values), "0");
  EXPECT_EQ(Text("credentials_expire_seconds", values), "-7");
}

CallStatistics Seen(int success, int error, int state) {
  CallStatistics seen;
  seen.requests = 3;
  seen.retries = 1;
  seen.errors = 2;
  seen.waited = milliseconds(20);
  seen.last_success_time = WallTime(seconds(success));
  seen.last_error_time = WallTime(seconds(error));
  seen.key_state = static_cast<WrappingKeyState>(state);
  return seen;
}

TEST(MetricsTest, CallsOfSeveralClientsAreAdded) {
  MetricValues values;
  AddCalls(Seen(/*success=*/900, /*error=*/990, /*state=*/3), kNow, values);
  EXPECT_EQ(Text("key_server_reachable", values), "0");
  AddCalls(Seen(/*success=*/950, /*error=*/940, /*state=*/1), kNow, values);
  EXPECT_EQ(Text("key_server_reachable", values), "1");
  EXPECT_EQ(Text("kms_key_state", values), "3") << "the worst";
  EXPECT_EQ(Text("requests", values), "6");
  EXPECT_EQ(Text("retries", values), "2");
  EXPECT_EQ(Text("errors", values), "4");
  EXPECT_EQ(Text("request_milliseconds_sum", values), "40");
  EXPECT_EQ(Text("last_success_seconds", values), "50");
  EXPECT_EQ(Text("last_error_seconds", values), "10");
}

TEST(MetricsTest, AClientThatAskedNothingSaysNothingOfTheKeyServer) {
  MetricValues values;
  AddCalls(CallStatistics(), kNow, values);
  EXPECT_EQ(Text("key_server_reachable", values), "");
  EXPECT_EQ(Text("kms_key_state", values), "");
  EXPECT_EQ(Text("last_success_seconds", values), "");
  EXPECT_EQ(Text("requests", values), "0");
}

TEST(MetricsTest, AClockThatWasSetBackMakesNoTimeToCome) {
  MetricValues values;
  AddCalls(Seen(2000, 2000, 1), kNow, values);
  EXPECT_EQ(Text("last_success_seconds", values), "0");
}

TEST(MetricsTest, TheEarliestExpirationCountsAndThePastIsNegative) {
  MetricValues values;
  AddExpiration(std::nullopt, kNow, values.credentials_expire);
  EXPECT_EQ(Text("credentials_expire_seconds", values), "");
  AddExpiration(kNow + seconds(60), kNow, values.credentials_expire);
  AddExpiration(kNow + seconds(90), kNow, values.credentials_expire);
  EXPECT_EQ(Text("credentials_expire_seconds", values), "60");
  AddExpiration(kNow - milliseconds(1), kNow, values.credentials_expire);
  EXPECT_EQ(Text("credentials_expire_seconds", values), "-1");
}

TEST(MetricsTest, AKeyThatCannotBeReadIsAKeyringThatIsNotLoaded) {
  MetricValues values;
  AddKeyCounts({2, 5, 0}, values);
  EXPECT_EQ(Text("loaded", values), "1");
  EXPECT_EQ(Text("keys", values), "2");
  AddKeyCounts({2, 4, 1}, values);
  EXPECT_EQ(Text("loaded", values), "0");
  EXPECT_EQ(Text("keys_failed", values), "1");
}

TEST(MetricsTest, SlotsAreCounted) {
  SlotSummary slots;
  slots.slots = 3;
  slots.opening = 1;
  slots.failed_count = 2;
  slots.missing_count = 4;
  slots.opened_by_local_slot = true;
  MetricValues values;
  AddSlots(slots, values);
  EXPECT_EQ(Text("slots", values), "3");
  EXPECT_EQ(Text("slots_opening", values), "1");
  EXPECT_EQ(Text("slots_failed", values), "2");
  EXPECT_EQ(Text("slots_missing", values), "4");
  EXPECT_EQ(Text("opened_by_local_slot", values), "1");
}

TEST(MetricsTest, SecretMemoryThatMayBeSwappedIsTold) {
  MetricValues values;
  AddSecretMemory(values);
  ASSERT_TRUE(values.secret_memory && values.secret_memory_unlocked);
  EXPECT_LE(*values.secret_memory_unlocked, *values.secret_memory);
}

}  // namespace
}  // namespace openkeyring
