// SPDX-License-Identifier: MIT
#include "aws/values.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

std::string RoundTrip(std::string_view text) {
  const std::optional<WallTime> time = ParseIsoTime(text);
  return time ? IsoTime(*time) : "none";
}

TEST(CredentialsValues, IsoTimesOfAllKindsAreRead) {
  EXPECT_EQ(ParseIsoTime("1970-01-01T00:01:00Z"),
            WallTime(std::chrono::seconds(60)));
  for (const char* text :
       {"2026-03-04T05:06:07Z", "2026-03-04T05:06:07", "2026-03-04 05:06:07Z",
        "2026-03-04T05:06:07.123456Z", "2026-03-04T05:06:07+00:00",
        "2026-03-04T07:06:07+02:00", "2026-03-04T00:36:07-0430",
        " 2026-03-04T05:06:07z\n"}) {
    EXPECT_EQ(RoundTrip(text), "2026-03-04T05:06:07Z") << text;
  }
}

TEST(CredentialsValues, WhatIsNotATimeIsNothing) {
  for (const char* text :
       {"", "never", "2026-03-04", "2026-03-04T", "2026-03-04T05:06",
        "2026-13-04T05:06:07Z", "2026-02-30T05:06:07Z", "2026-03-04T24:06:07Z",
        "2026-03-04T05:60:07Z", "2026-03-04T05:06:07X", "2026-03-04T05:06:07+1",
        "2026-03-04T05:06:07+99:00", "2026-03-04T05:06:07+01:00x", "1772600767",
        "1969-12-31T23:59:59Z", "9999-13-31T23:59:59Z",
        "2026-03-04T05:06:-7Z"}) {
    EXPECT_EQ(ParseIsoTime(text), std::nullopt) << text;
  }
}

// Some tools write this for credentials that do not expire.
TEST(CredentialsValues, ATimeBeyondTheClocksRangeIsAFarOne) {
  for (const char* text : {"9999-12-31T23:59:59Z", "2201-01-01T00:00:00Z"}) {
    EXPECT_EQ(RoundTrip(text), "2200-12-31T23:59:59Z") << text;
  }
}

TEST(CredentialsValues, ABooleanIsTrueOrFalseInAnyCase) {
  EXPECT_TRUE(*ParseBool("TRUE", "X"));
  EXPECT_FALSE(*ParseBool(" false ", "X"));
  for (const char* text : {"", "1", "yes", "on", "truee"}) {
    const Status status = ParseBool(text, "THE_VARIABLE").status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_NE(status.message().find("THE_VARIABLE"), std::string::npos);
  }
}

TEST(CredentialsValues, ANumberMustBeWholeAndInRange) {
  EXPECT_EQ(*ParseNumber("900", 900, 43200, "X"), 900);
  for (const char* text : {"", "899", "43201", "9e2", "1000s", "99999999999"}) {
    EXPECT_EQ(ParseNumber(text, 900, 43200, "X").status().code(),
              StatusCode::kMisconfigured)
        << text;
  }
}

TEST(CredentialsValues, CredentialsThatCouldBreakAHeaderAreRefusedUnquoted) {
  const auto check = [](const char* id, const char* key, const char* token) {
    return CheckCredentials({id, TakeSecret(key), TakeSecret(token), {}});
  };
  EXPECT_TRUE(check("AKIDEXAMPLE", "a/b+c=", "").ok());
  EXPECT_TRUE(check("AKIDEXAMPLE", "a/b+c=", "token==").ok());
  for (const Status& status :
       {check("", "s", ""), check("AK ID", "s", ""),
        check("AK\r\nX: y", "s", ""), check("AKID", "", ""),
        check("AKID", "hush\n", ""), check("AKID", "s", "hush hush"),
        check("AKID", "s", "hush\xc3\xa9")}) {
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_EQ(status.message().find("hush"), std::string::npos);
  }
}

}  // namespace
}  // namespace openkeyring
