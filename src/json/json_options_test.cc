// SPDX-License-Identifier: MIT
#include "json/json_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Result<JsonOptions> Parse(std::string_view text) {
  Secret secret = Secret::CopyOf(text);
  return JsonOptions::Parse(secret, "/etc/x.cnf", {"password", "token"});
}

JsonOptions Options(std::string_view text) {
  Result<JsonOptions> options = Parse(text);
  EXPECT_TRUE(options) << options.status().ToString();
  return std::move(*options);
}

// What UnknownOptions says, one a line.
std::string UnknownOf(const JsonOptions& options) {
  std::string all;
  for (const std::string& one : options.UnknownOptions()) all += one + "\n";
  return all;
}

// The error that Parse or, when it succeeds, Finish gives; there is one more.
std::string ErrorOf(std::string_view text) {
  Result<JsonOptions> options = Parse(text);
  if (options) options->Complain("wrong");
  const Status status = options ? options->Finish() : options.error();
  if (!status.ok()) {
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  }
  return status.message();
}

TEST(JsonOptions, TakesEveryTypeAndFindsNothingWrong) {
  JsonOptions options = Options(
      R"({"t":"text","b":true,"n":-7,"o":{"k":"v","":""},"password":"pw"})");
  EXPECT_EQ(options.Text("t"), "text");
  EXPECT_EQ(options.Bool("b"), true);
  EXPECT_EQ(options.Integer("n", -10, 10), -7);
  EXPECT_EQ(options.Texts("o"),
            (std::map<std::string, std::string>{{"k", "v"}, {"", ""}}));
  EXPECT_EQ(options.TakeSecret("password").RevealText(), "pw");
  EXPECT_TRUE(options.TakeSecret("password").empty());
  EXPECT_TRUE(options.TakeSecret("token").empty());
  EXPECT_TRUE(options.Finish().ok());
  EXPECT_EQ(options.source(), "/etc/x.cnf");
}

TEST(JsonOptions, AbsentOptionsAreNothingAndNoError) {
  JsonOptions options = Options("{}");
  EXPECT_EQ(options.Text("t"), "");
  EXPECT_EQ(options.Bool("b"), std::nullopt);
  EXPECT_EQ(options.Integer("n", 0, 1), std::nullopt);
  EXPECT_TRUE(options.Texts("o").empty());
  EXPECT_FALSE(options.Has("t"));
  EXPECT_TRUE(options.Finish().ok());
}

TEST(JsonOptions, BooleansMayBeTextsInAnyCase) {
  JsonOptions options =
      Options(R"({"a":"true","b":"FALSE","c":"True","d":false})");
  EXPECT_EQ(options.Bool("a"), true);
  EXPECT_EQ(options.Bool("b"), false);
  EXPECT_EQ(options.Bool("c"), true);
  EXPECT_EQ(options.Bool("d"), false);
  EXPECT_TRUE(options.Finish().ok());
}

TEST(JsonOptions, WhatIsNoBooleanIsAnError) {
  for (const char* value : {"1", "0", "\"yes\"", "\"\"", "null", "\"true \"",
                            "[true]", "{}", "1.0"}) {
    JsonOptions options = Options(std::string("{\"b\":") + value + "}");
    EXPECT_EQ(options.Bool("b"), std::nullopt) << value;
    EXPECT_THAT(options.Finish().message(),
                HasSubstr("/etc/x.cnf: b must be true or false"))
        << value;
  }
}

TEST(JsonOptions, NumbersMayBeTexts) {
  JsonOptions options = Options(R"({"a":"12","b":"-3","c":5,"d":"0012"})");
  EXPECT_EQ(options.Integer("a", 0, 20), 12);
  EXPECT_EQ(options.Integer("b", -5, 20), -3);
  EXPECT_EQ(options.Integer("c", 5, 5), 5);
  EXPECT_EQ(options.Integer("d", 0, 20), 12);
  EXPECT_TRUE(options.Finish().ok());
}

TEST(JsonOptions, WhatIsNoWholeNumberInRangeIsAnErrorThatNamesTheRange) {
  for (const char* value :
       {"0", "21", "1.5", "\"\"", "\"1 \"", "\" 1\"", "\"+1\"", "\"0x1\"",
        "\"1e1\"", "true", "null", "18446744073709551615", "1e30", "[]",
        "\"99999999999999999999\"", "-9223372036854775808"}) {
    JsonOptions options = Options(std::string("{\"n\":") + value + "}");
    EXPECT_EQ(options.Integer("n", 1, 20), std::nullopt) << value;
    EXPECT_THAT(options.Finish().message(),
                HasSubstr("n must be a whole number from 1 to 20"))
        << value;
  }
}

TEST(JsonOptions, WhatIsNoTextOrBlankIsAnError) {
  for (const char* value : {"1", "true", "null", "[\"a\"]", "{}"}) {
    JsonOptions options = Options(std::string("{\"t\":") + value + "}");
    EXPECT_EQ(options.Text("t"), "");
    EXPECT_THAT(options.Finish().message(), HasSubstr("t must be a string"));
  }
  JsonOptions options = Options(R"({"t":" \t"})");
  (void)options.Text("t");
  EXPECT_THAT(options.Finish().message(), HasSubstr("t must not be empty"));
}

TEST(JsonOptions, TextsMustBeAnObjectOfTexts) {
  for (const char* value : {"1", "\"a\"", "[\"a\"]", "{\"k\":1}", "null",
                            "{\"k\":\"v\",\"l\":null}"}) {
    JsonOptions options = Options(std::string("{\"o\":") + value + "}");
    (void)options.Texts("o");
    EXPECT_THAT(options.Finish().message(), HasSubstr("o must be an object"))
        << value;
  }
}

TEST(JsonOptions, AnUnknownKeyIsAnsweredWithTheNearestKnownOne) {
  JsonOptions options = Options(R"({"regoin":"x","KMS_Key":"y","zzzzzz":1})");
  for (const char* name : {"region", "kms_key", "path"}) {
    (void)options.Text(name);
  }
  EXPECT_THAT(
      UnknownOf(options),
      AllOf(HasSubstr("no option regoin; did you mean region?\n"),
            HasSubstr("no option KMS_Key; did you mean kms_key?\n"),
            HasSubstr("no option zzzzzz\n"), Not(HasSubstr("zzzzzz; did"))));
}

TEST(JsonOptions, AnUnknownKeyIsAnErrorOnlyBesideAnother) {
  JsonOptions usable = Options(R"({"path":"/x","regoin":"x"})");
  (void)usable.Text("path");
  (void)usable.Text("region");
  EXPECT_TRUE(usable.Finish().ok());
  EXPECT_EQ(usable.UnknownOptions().size(), 1u);
  JsonOptions misspelt = Options(R"({"paht":"/x"})");
  misspelt.Require("path");
  EXPECT_EQ(misspelt.Finish().message(),
            "/etc/x.cnf: path is missing; there is no option paht; did you "
            "mean path?");
}

TEST(JsonOptions, ACountIsAnyNumberThatIsNotNegative) {
  JsonOptions options = Options(
      R"({"a":0,"b":"7","c":18446744073709551615,"d":"99999999999999999999"})");
  EXPECT_EQ(options.Count("a"), 0u);
  EXPECT_EQ(options.Count("b"), 7u);
  EXPECT_EQ(options.Count("c"), UINT64_MAX);
  EXPECT_EQ(options.Count("d"), UINT64_MAX);
  EXPECT_EQ(options.Count("none"), std::nullopt);
  EXPECT_TRUE(options.Finish().ok());
  for (const char* value : {"-1", "1.5", "\"\"", "\"1 \"", "\"many\"", "true",
                            "null", "[]", "\"-1\""}) {
    JsonOptions wrong = Options(std::string("{\"n\":") + value + "}");
    EXPECT_EQ(wrong.Count("n"), std::nullopt) << value;
    EXPECT_THAT(wrong.Finish().message(),
                HasSubstr("n must be a whole number, 0 or more"))
        << value;
  }
}

TEST(JsonOptions, WarningsAreKeptAndNoError) {
  JsonOptions options = Options("{}");
  options.Warn("beware");
  EXPECT_TRUE(options.Finish().ok());
  EXPECT_EQ(options.warnings(), std::vector<std::string>{"beware"});
}

TEST(JsonOptions, AdviceWinsOverTheNearestKey) {
  JsonOptions options = Options(R"({"paths":"x"})");
  (void)options.Text("path");
  options.Advise("paths", "there is only one");
  EXPECT_EQ(UnknownOf(options),
            "there is no option paths: there is only one\n");
}

TEST(JsonOptions, AnUnknownNameThatNoLogLineCanHoldIsMadeHarmless) {
  const std::string error = ErrorOf(
      "{\"a\\nb\\u0000c\\u001b[31m\xc3\xa4\": 1, \"a\\r\":1,\"a\\r\":1}");
  EXPECT_THAT(error, HasSubstr("there is no option a?b?c?[31m"));
  for (const char c : error) EXPECT_TRUE(c >= ' ' && c < 0x7f) << error;
}

TEST(JsonOptions, ALongUnknownNameIsCut) {
  EXPECT_LT(ErrorOf("{\"" + std::string(100000, 'a') + "\":1}").size(), 200u);
  const std::string key = "\"" + std::string(100000, 'a') + "\":1";
  EXPECT_LT(ErrorOf("{" + key + "," + key + "}").size(), 300u);
}

TEST(JsonOptions, ManyErrorsAreCounted) {
  std::string text = "{";
  for (int i = 0; i < 20; ++i) {
    text += (i ? ",\"qqqqqqqq" : "\"qqqqqqqq") + std::to_string(i) + "\":1";
  }
  EXPECT_THAT(ErrorOf(text + "}"), HasSubstr("; and 13 more"));
}

TEST(JsonOptions, MissingOptionsAreNamed) {
  JsonOptions options = Options(R"({"here":"x"})");
  options.Require("here");
  options.Require("gone");
  (void)options.Text("here");
  EXPECT_EQ(options.Finish().message(), "/etc/x.cnf: gone is missing");
}

TEST(JsonOptions, AKeyThatIsThereTwiceIsAnErrorButNotInInnerObjects) {
  JsonOptions options =
      Options(R"({"a":"1","o":{"a":"2","b":"3","b":"4"},"a":"1"})");
  (void)options.Text("a");
  (void)options.Texts("o");
  EXPECT_EQ(options.Finish().message(), "/etc/x.cnf: a is a duplicate");
}

TEST(JsonOptions, AListHasOptionsOfItsOwnInEachEntry) {
  JsonOptions options = Options(R"({"l":["a",{"k":"b","x":"y"}],"s":"c"})");
  EXPECT_TRUE(options.IsList("l"));
  EXPECT_FALSE(options.IsList("s"));
  EXPECT_FALSE(options.IsList("none"));
  std::vector<JsonOptions> entries = options.Objects("l", "k");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].Text("k"), "a");
  EXPECT_TRUE(entries[0].Finish().ok());
  EXPECT_EQ(entries[1].Text("k"), "b");
  EXPECT_TRUE(entries[1].Finish().ok());
  EXPECT_EQ(entries[1].source(), "l, entry 2");
  EXPECT_EQ(UnknownOf(entries[1]), "there is no option x; did you mean k?\n");
  EXPECT_EQ(options.Text("s"), "c");
  EXPECT_TRUE(options.Objects("none", "k").empty());
  EXPECT_TRUE(options.Finish().ok());
}

TEST(JsonOptions, WhatIsNoListOfObjectsIsAnError) {
  for (const char* wrong : {"[]", "7", "{}", "\"a\"", "[7]", "[[\"a\"]]"}) {
    JsonOptions options = Options("{\"l\":" + std::string(wrong) + "}");
    EXPECT_TRUE(options.Objects("l", "k").empty()) << wrong;
    EXPECT_THAT(options.Finish().message(), HasSubstr("l must be a list"));
  }
}

TEST(JsonOptions, AKeyThatComesTwiceInAnEntryOfAListIsAnError) {
  EXPECT_THAT(ErrorOf(R"({"l":[{"k":"a","k":"b"}]})"),
              HasSubstr("k is a duplicate"));
  JsonOptions options = Options(R"({"l":[{"k":"a"},{"k":"b"}]})");
  EXPECT_EQ(options.Objects("l", "k").size(), 2u);
  EXPECT_TRUE(options.Finish().ok());
}

TEST(JsonOptions, ASecretMustBeThereOnceAsAText) {
  for (const char* text :
       {R"({"password":"s3cret","password":"s3cret"})", R"({"password":5})",
        R"({"password":["s3cret"]})", R"({"password":{"a":"s3cret"}})"}) {
    EXPECT_THAT(ErrorOf(text),
                AllOf(HasSubstr("/etc/x.cnf: password must be given once"),
                      Not(HasSubstr("s3cret"))));
  }
}

TEST(JsonOptions, ASyntaxErrorHasLineAndColumn) {
  EXPECT_THAT(ErrorOf("{\n  \"a\": 1,\n  \"b\": ?\n}"),
              HasSubstr("/etc/x.cnf has not valid format: it is not valid "
                        "JSON at line 3, column 8"));
  EXPECT_THAT(ErrorOf("x"), HasSubstr("line 1, column 1"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("line 1, column 1"));
  EXPECT_THAT(ErrorOf("{\"a\":1}\n{"), HasSubstr("line 2, column 1"));
  EXPECT_THAT(ErrorOf("{\"a\":1,}"), HasSubstr("line 1, column 8"));
  EXPECT_THAT(ErrorOf("{\"a\":\n"), HasSubstr("is not valid JSON at line"));
}

TEST(JsonOptions, ASyntaxErrorNeverQuotesTheText) {
  for (const char* text :
       {R"({"password":"s3cret",})", R"({"password":"s3cret)",
        R"({"password":s3cret})", R"({"password":"s3cret"} s3cret)",
        R"({"password":"s3cret\q"})", "{\"password\":\"s3cret\x01\"}"}) {
    EXPECT_THAT(ErrorOf(text),
                AllOf(HasSubstr("not valid JSON"), Not(HasSubstr("s3cret"))))
        << text;
  }
}

TEST(JsonOptions, NoSecretIsLeftInATextThatIsNotTakenApart) {
  for (const std::string_view text :
       {R"({"password":"s3cret","a" 1})", R"({"password":"s3cret)",
        R"({"password":"s3cret","password":"s3cret\u0041\"s3cret"})"}) {
    Secret content = Secret::CopyOf(text);
    EXPECT_FALSE(JsonOptions::Parse(content, "/etc/x.cnf", {"password"}));
    EXPECT_EQ(content.RevealText().find("s3cret"), std::string_view::npos);
    EXPECT_EQ(content.size(), text.size()) << "columns stay";
  }
}

TEST(JsonOptions, WhatIsNoObjectIsRefused) {
  for (const char* text : {"[]", "1", "null", "\"a\"", "[{\"a\":1}]"}) {
    EXPECT_EQ(ErrorOf(text),
              "/etc/x.cnf has not valid format: it must hold one JSON object, "
              "{...}");
  }
}

TEST(JsonOptions, AByteOrderMarkIsSkipped) {
  JsonOptions options = Options("\xef\xbb\xbf{\"password\":\"pw\"}");
  EXPECT_EQ(options.TakeSecret("password").RevealText(), "pw");
  EXPECT_TRUE(options.Finish().ok());
}

TEST(JsonOptions, AnObjectHasOptionsAndSecretsOfItsOwn) {
  Secret text = Secret::CopyOf(
      R"({"a":{"n":5,"password":"pw","b":{"password":"deep"},"typo":1}})");
  Result<JsonOptions> options =
      JsonOptions::Parse(text, "/etc/x.cnf", {"a.password", "a.b.password"});
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_TRUE(options->HasSecret("a.password"));
  JsonOptions a = options->Object("a");
  EXPECT_EQ(a.Integer("n", 1, 9), 5);
  EXPECT_EQ(a.TakeSecret("password").RevealText(), "pw");
  JsonOptions b = a.Object("b");
  EXPECT_EQ(b.TakeSecret("password").RevealText(), "deep");
  a.Adopt(b);
  options->Adopt(a);
  EXPECT_TRUE(options->Finish().ok()) << options->Finish().message();
  EXPECT_EQ(UnknownOf(*options), "a: there is no option typo\n");
}

TEST(JsonOptions, ErrorsInAnObjectAreErrorsOfTheFile) {
  JsonOptions options = Options(R"({"a":{"n":"many"},"o":7})");
  JsonOptions a = options.Object("a");
  (void)a.Integer("n", 1, 9);
  options.Adopt(a);
  EXPECT_FALSE(options.Object("o").Has("n"));
  EXPECT_FALSE(options.Object("none").Has("n"));
  EXPECT_EQ(options.Finish().message(),
            "/etc/x.cnf: a.n must be a whole number from 1 to 9; o must be an "
            "object: {...}");
}

TEST(JsonOptions, DeepNestingDoesNotCrash) {
  const std::string deep =
      "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}";
  EXPECT_NE(ErrorOf(deep), "");
  EXPECT_NE(ErrorOf(std::string(200000, '[')), "");
}

}  // namespace
}  // namespace openkeyring
