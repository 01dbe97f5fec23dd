// SPDX-License-Identifier: MIT
#include "json/secret_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace openkeyring {
namespace {

Secret Body(std::string_view text) { return Secret::CopyOf(text); }

std::string Take(std::string_view json, std::string_view member) {
  Secret body = Body(json);
  const Result<Secret> value = TakeJsonString(body, member);
  return value ? std::string(value->RevealText())
               : "error " + value.error().ToString();
}

StatusCode CodeOf(std::string_view json, std::string_view member = "a") {
  Secret body = Body(json);
  return TakeJsonString(body, member).status().code();
}

TEST(SecretJson, TakesATopLevelString) {
  EXPECT_EQ(Take(R"({"a":"one","b":"two"})", "b"), "two");
  EXPECT_EQ(Take(" {\n \"a\" : \"one\" , \"b\":1 } \n", "a"), "one");
  EXPECT_EQ(Take(R"({"a":""})", "a"), "");
}

TEST(SecretJson, OverwritesWhatItTookAndLeavesTheRestParseable) {
  Secret body = Body(R"({"x":[1,{"y":null}],"a":"pss\"t\u00e9","b":"two"})");
  ASSERT_EQ(TakeJsonString(body, "a")->RevealText(), "pss\"t\u00e9");
  const std::string left(body.RevealText());
  EXPECT_EQ(left.find("pss"), std::string::npos);
  const auto json = nlohmann::json::parse(left, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["b"], "two");
  EXPECT_EQ(json["a"], std::string(12, '*'));
}

TEST(SecretJson, MembersOfInnerObjectsDoNotCount) {
  EXPECT_EQ(Take(R"({"in":{"a":"inner"},"l":[{"a":"x"}],"a":"outer"})", "a"),
            "outer");
  EXPECT_EQ(CodeOf(R"({"in":{"a":"inner"}})"), StatusCode::kNotFound);
}

TEST(SecretJson, TextThatLooksLikeAMemberInsideAStringDoesNotCount) {
  EXPECT_EQ(Take(R"({"t":"\"a\":\"no\"","a":"yes"})", "a"), "yes");
}

TEST(SecretJson, AbsentOrNullIsNotFound) {
  EXPECT_EQ(CodeOf("{}"), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(R"({"b":"x"})"), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(R"({"A":"x"})"), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(R"({"a":null})"), StatusCode::kNotFound);
}

TEST(SecretJson, DecodesEveryEscape) {
  EXPECT_EQ(Take(R"({"a":"\"\\\/\b\f\n\r\t"})", "a"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Take(R"({"a":"\u0041\u00e9\u20AC\ud83d\ude00"})", "a"),
            "A\u00e9\u20ac\U0001F600");
  EXPECT_EQ(Take(R"({"a":"\u0000"})", "a"), std::string(1, '\0'));
}

TEST(SecretJson, AMemberNameWrittenWithEscapesIsTheSameName) {
  EXPECT_EQ(Take(R"({"\u0061":"x"})", "a"), "x");
}

TEST(SecretJson, WhatIsNotAJsonObjectIsCorrupt) {
  for (const char* text : {"",
                           " ",
                           "x",
                           "[]",
                           "\"a\"",
                           "null",
                           "<html>",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":\"x",
                           "{\"a\":\"x\"",
                           "{\"a\":\"x\"}x",
                           "{\"a\":\"x\",}",
                           "{\"a\" \"x\"}",
                           "{a:\"x\"}",
                           "{\"a\":x}",
                           "{\"b\":[1,],\"a\":\"x\"}",
                           "{\"b\":[1 2],\"a\":\"x\"}",
                           "{\"a\":\"x\ny\"}",
                           "{\"a\":\"x\\\"}",
                           "{,}",
                           "{\"b\":}",
                           "{\"b\":}}",
                           "{\"b\":[}",
                           "{\"b\":nul}"}) {
    EXPECT_EQ(CodeOf(text), StatusCode::kCorrupt) << text;
  }
}

TEST(SecretJson, AMemberThatIsNotAStringIsCorrupt) {
  for (const char* text : {R"({"a":1})", R"({"a":true})", R"({"a":{}})",
                           R"({"a":["x"]})", R"({"a":"x","a":"y"})"}) {
    EXPECT_EQ(CodeOf(text), StatusCode::kCorrupt) << text;
  }
}

TEST(SecretJson, BadEscapesAreCorruptAndLeaveTheBodyAlone) {
  for (const char* text :
       {R"({"a":"\x"})", R"({"a":"\u12"})", R"({"a":"\u12g4"})",
        R"({"a":"\ud83d"})", R"({"a":"\ud83dx"})", R"({"a":"\ud83d\u0041"})",
        R"({"a":"\ude00"})"}) {
    Secret body = Body(text);
    EXPECT_EQ(TakeJsonString(body, "a").status().code(), StatusCode::kCorrupt)
        << text;
    EXPECT_EQ(body.RevealText(), text);
  }
}

TEST(SecretJson, DeepNestingIsRefusedWithoutRunningOutOfStack) {
  const std::string deep(100000, '[');
  EXPECT_EQ(CodeOf("{\"b\":" + deep), StatusCode::kCorrupt);
  const std::string sixty =
      "{\"b\":" + std::string(60, '[') + std::string(60, ']') + ",\"a\":\"x\"}";
  EXPECT_EQ(Take(sixty, "a"), "x");
}

TEST(SecretJson, EveryPrefixOfAnObjectIsCorruptAndNotACrash) {
  const std::string whole = R"({"b":[1,{"c":null}],"a":"\u0041\n"})";
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(CodeOf(whole.substr(0, size)), StatusCode::kCorrupt) << size;
  }
}

TEST(SecretJson, Base64MembersAreDecoded) {
  Secret body = Body(R"({"Plaintext":"Zm9v\/w==","KeyId":"k"})");
  const Result<Secret> bytes = TakeJsonBase64(body, "Plaintext");
  ASSERT_TRUE(bytes) << bytes.error().message();
  EXPECT_EQ(bytes->RevealText(), "foo\xff");
  EXPECT_EQ(body.RevealText(), R"({"Plaintext":"*********","KeyId":"k"})");
}

TEST(SecretJson, ABase64MemberThatIsNoneIsCorruptAndNotQuoted) {
  Secret body = Body(R"({"Plaintext":"hush!"})");
  const Status status = TakeJsonBase64(body, "Plaintext").status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_EQ(status.message().find("hush"), std::string::npos);
  EXPECT_EQ(TakeJsonBase64(body, "Other").status().code(),
            StatusCode::kNotFound);
}

TEST(TakeInnerJsonString, TakesAMemberOfAnObjectInTheObject) {
  Secret body = Secret::CopyOf(
      R"({"k":"no","a":{"x":1,"k":"s3\u0063ret","b":{"k":"deep"}},"z":2})");
  Result<Secret> value = TakeInnerJsonString(body, "a.k");
  ASSERT_TRUE(value) << value.status().ToString();
  EXPECT_EQ(value->RevealText(), "s3cret");
  value = TakeInnerJsonString(body, "a.b.k");
  ASSERT_TRUE(value) << value.status().ToString();
  EXPECT_EQ(value->RevealText(), "deep");
  EXPECT_EQ(
      body.RevealText(),
      R"({"k":"no","a":{"x":1,"k":"***********","b":{"k":"****"}},"z":2})");
  value = TakeInnerJsonString(body, "k");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->RevealText(), "no");
}

TEST(TakeInnerJsonString, SaysWhatIsMissingOrWrong) {
  const std::pair<const char*, StatusCode> cases[] = {
      {R"({"b":1})", StatusCode::kNotFound},
      {R"({"a":null})", StatusCode::kNotFound},
      {R"({"a":{}})", StatusCode::kNotFound},
      {R"({"a":"k"})", StatusCode::kCorrupt},
      {R"({"a":["k"]})", StatusCode::kCorrupt},
      {R"({"a":{"k":1}})", StatusCode::kCorrupt},
      {R"({"a":{"k":"1","k":"2"}})", StatusCode::kCorrupt},
      {R"({"a":{"k":"1"},"a":{"k":"2"}})", StatusCode::kCorrupt}};
  for (const auto& [text, code] : cases) {
    Secret body = Secret::CopyOf(text);
    EXPECT_EQ(TakeInnerJsonString(body, "a.k").status().code(), code) << text;
    EXPECT_EQ(body.RevealText(), text);
  }
}

}  // namespace
}  // namespace openkeyring
