// SPDX-License-Identifier: MIT
#include "aws/credentials/answer.h"

#include <gtest/gtest.h>

#include "aws/values.h"

namespace openkeyring {
namespace {

Result<CredentialAnswer> Read(std::string_view json) {
  Secret body = Secret::CopyOf(json);
  return ReadCredentialAnswer(body, "Token");
}

TEST(CredentialsJson, AWholeAnswerIsRead) {
  const auto answer = Read(
      R"({"Code":"Success","Version":1,"AccessKeyId":"AKID",
          "SecretAccessKey":"se\/cret","Token":"to\u002bken",
          "Expiration":"2026-01-02T04:04:05Z","Other":[{}]})");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->code, "Success");
  EXPECT_EQ(answer->version, 1);
  EXPECT_EQ(answer->credentials.access_key_id, "AKID");
  EXPECT_EQ(answer->credentials.secret_access_key.RevealText(), "se/cret");
  EXPECT_EQ(answer->credentials.session_token.RevealText(), "to+ken");
  EXPECT_EQ(IsoTime(*answer->credentials.expiration), "2026-01-02T04:04:05Z");
}

TEST(CredentialsJson, AnAnswerWithoutCredentialsKeepsItsExplanation) {
  auto answer = Read(R"({"code":"Failed","message":"role\nis gone"})");
  ASSERT_TRUE(answer);
  const Status status =
      CompleteCredentials(std::move(*answer), SessionToken::kOptional).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("Failed: role?is gone"), std::string::npos);
}

TEST(CredentialsJson, NullMembersCountAsAbsent) {
  const auto answer = Read(
      R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":null,
          "Expiration":null})");
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->credentials.session_token.empty());
  EXPECT_FALSE(answer->credentials.expiration);
}

TEST(CredentialsJson, MalformedAnswersAreCorruptAndNeverQuoted) {
  for (const char* text :
       {"", "<html>hush</html>", "[]", "hush", "{\"SecretAccessKey\":\"hush",
        R"({"SecretAccessKey":5})", R"({"SecretAccessKey":"hush","Token":{}})",
        R"({"SecretAccessKey":"hush","x":1.2.3})",
        R"({"SecretAccessKey":"hush","Expiration":"soon"})",
        R"({"SecretAccessKey":"hush","Expiration":12})"}) {
    const Status status = Read(text).status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << text;
    EXPECT_EQ(status.message().find("hush"), std::string::npos) << text;
  }
}

TEST(CredentialsJson, EveryOneByteChangeIsReadOrRefusedWithoutACrash) {
  const std::string base =
      R"({"AccessKeyId":"A","SecretAccessKey":"s\n","Token":"t","Version":1})";
  for (size_t at = 0; at < base.size(); ++at) {
    for (const char c : {'\0', '"', '\\', '{', '}', ',', '9', '\xff'}) {
      std::string text = base;
      text[at] = c;
      (void)Read(text).status();
    }
  }
}

}  // namespace
}  // namespace openkeyring
