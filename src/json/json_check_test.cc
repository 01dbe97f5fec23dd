// SPDX-License-Identifier: MIT
#include "json/json_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace openkeyring {
namespace {

using testing::HasSubstr;

std::string Nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string Members(size_t count) {
  std::string text = "{";
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) text += ',';
    text += "\"m" + std::to_string(i) + "\":0";
  }
  return text + "}";
}

TEST(JsonCheckTest, WholeJsonIsOk) {
  EXPECT_TRUE(
      CheckJson("{\"a\":[1,-2,1.5,true,null,{\"a\":\"\\u0041\"}]}").ok());
  EXPECT_TRUE(CheckJson("{\"a\":{\"b\":0},\"c\":{\"b\":0}}").ok());
}

TEST(JsonCheckTest, ErrorNamesTheByteAndNotWhatStandsThere) {
  const Status status = CheckJson("{\"a\":secret}");
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("byte 6"));
  EXPECT_THAT(status.message(), testing::Not(HasSubstr("secret")));
}

TEST(JsonCheckTest, CutOrFollowedTextIsRefused) {
  const std::string whole = "{\"a\":[{}]}";
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(CheckJson(whole.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(CheckJson(whole + "x").ok());
  EXPECT_FALSE(CheckJson(whole + whole).ok());
}

TEST(JsonCheckTest, ZeroBytesAtTheEndAreNotTheEnd) {
  EXPECT_FALSE(CheckJson(std::string("{}\0", 3)).ok());
  EXPECT_FALSE(CheckJson(std::string("{}\0{}", 5)).ok());
}

TEST(JsonCheckTest, MemberThatIsThereTwiceIsRefused) {
  const Status status = CheckJson("{\"a\":1,\"b\":{\"a\":1},\"\\u0061\":2}");
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("two members of the same name"));
}

TEST(JsonCheckTest, DepthAndMembersAreBounded) {
  EXPECT_TRUE(CheckJson(Nested(kMaxJsonDepth)).ok());
  EXPECT_FALSE(CheckJson(Nested(kMaxJsonDepth + 1)).ok());
  EXPECT_FALSE(CheckJson(std::string(1 << 20, '[')).ok());
  EXPECT_TRUE(CheckJson(Members(kMaxJsonMembers)).ok());
  EXPECT_FALSE(CheckJson(Members(kMaxJsonMembers + 1)).ok());
}

TEST(JsonCheckTest, TextThatIsNotUtf8IsRefused) {
  EXPECT_FALSE(CheckJson("\"\xff\"").ok());
  EXPECT_FALSE(CheckJson("\"\xc0\xaf\"").ok());
  EXPECT_FALSE(CheckJson("\"\\ud800\"").ok());
  EXPECT_TRUE(CheckJson("\"\xc3\xa4\"").ok());
}

TEST(JsonCheckTest, NumberBeyondADoubleIsRefused) {
  EXPECT_FALSE(CheckJson("1e999").ok());
  EXPECT_TRUE(CheckJson("1e99").ok());
}

}  // namespace
}  // namespace openkeyring
