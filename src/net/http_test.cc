// SPDX-License-Identifier: MIT
#include "net/http.h"

#include <gtest/gtest.h>

#include <string>

namespace openkeyring {
namespace {

using std::string_literals::operator""s;

TEST(HttpResponse, FindsTheFirstHeaderOfAName) {
  HttpResponse response;
  response.headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(response.FindHeader("a"), "1");
  EXPECT_EQ(response.FindHeader("b"), "2");
  EXPECT_EQ(response.FindHeader("c"), std::nullopt);
}

TEST(CheckHeaders, TakesOrdinaryOnes) {
  EXPECT_TRUE(CheckHeaders({}).ok());
  EXPECT_TRUE(CheckHeaders({{"X-Amz-Date", "20260102T030405Z"},
                            {"Empty", ""},
                            {"Tab", "a\tb"},
                            {"Umlaut", "\xc3\xbc"}})
                  .ok());
}

TEST(CheckHeaders, RefusesLineEndsAndControlsWithoutShowingTheValue) {
  for (const std::string& bad :
       {"hunter2\r\nX: y"s, "hunter2\n"s, "hunter2\r"s, "hunter2\0"s,
        "hunter2\x7f"s, "\x1bhunter2"s}) {
    const Status status = CheckHeaders({{"Good", "x"}, {"X-Token", bad}});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("X-Token"), std::string::npos);
    EXPECT_EQ(status.message().find("hunter2"), std::string::npos);
  }
}

TEST(CheckHeaders, RefusesBadNames) {
  for (const std::string& bad :
       {""s, "a b"s, "a:"s, "a;"s, "a\r\nb"s, "\xc3"s}) {
    EXPECT_EQ(CheckHeaders({{bad, "x"}}).code(), StatusCode::kInvalidArgument)
        << bad;
  }
}

}  // namespace
}  // namespace openkeyring
