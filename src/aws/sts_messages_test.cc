// SPDX-License-Identifier: MIT
#include "aws/sts_messages.h"

#include <gtest/gtest.h>

#include "aws/values.h"

namespace openkeyring {
namespace {

constexpr const char* kAnswer =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
    " <AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::1:x</Arn>\n"
    " </AssumedRoleUser><Credentials>\n"
    "  <AccessKeyId>ASIAEXAMPLE</AccessKeyId>\n"
    "  <SecretAccessKey>se/cret+&amp;&lt;&gt;&quot;&apos;&#65;&#x42;"
    "</SecretAccessKey>\n"
    "  <SessionToken> to/ken== </SessionToken>\n"
    "  <Expiration>2026-01-02T04:04:05Z</Expiration>\n"
    " </Credentials></AssumeRoleResult></AssumeRoleResponse>\n";

Result<Credentials> Read(std::string_view xml) {
  return ReadAssumedRole(Secret::CopyOf(xml));
}

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text = kAnswer;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

RoleRequest Role() {
  return {"arn:aws:iam::111122223333:role/db", "openkeyring-1", "", {}};
}

TEST(StsMessages, AssumeRoleIsAFormWithEncodedValues) {
  RoleRequest role = Role();
  EXPECT_EQ(WriteAssumeRole(role).RevealText(),
            "Action=AssumeRole&Version=2011-06-15&"
            "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdb&"
            "RoleSessionName=openkeyring-1");
  role.external_id = "a b&c";
  role.duration_seconds = 900;
  const Secret body = WriteAssumeRole(role);
  EXPECT_TRUE(
      body.RevealText().ends_with("&DurationSeconds=900&ExternalId=a%20b%26c"));
}

TEST(StsMessages, WebIdentityCarriesTheToken) {
  const Secret body = WriteAssumeRoleWithWebIdentity(
      Role(), Secret::CopyOf(std::string_view("ey.J+h/=")));
  EXPECT_TRUE(
      body.RevealText().starts_with("Action=AssumeRoleWithWebIdentity&"));
  EXPECT_TRUE(body.RevealText().ends_with("&WebIdentityToken=ey.J%2Bh%2F%3D"));
}

TEST(StsMessages, CredentialsAreReadAndEntitiesDecoded) {
  const Result<Credentials> credentials = Read(kAnswer);
  ASSERT_TRUE(credentials) << credentials.error().message();
  EXPECT_EQ(credentials->access_key_id, "ASIAEXAMPLE");
  EXPECT_EQ(credentials->secret_access_key.RevealText(), "se/cret+&<>\"'AB");
  EXPECT_EQ(credentials->session_token.RevealText(), "to/ken==");
  EXPECT_EQ(IsoTime(*credentials->expiration), "2026-01-02T04:04:05Z");
}

TEST(StsMessages, AnAnswerThatLacksSomethingIsCorrupt) {
  for (const std::string& text :
       {std::string(), std::string("<html/>"), std::string("{}"),
        Replaced("<Credentials>", "<Other>"),
        Replaced("</Credentials>", "</Other>"),
        Replaced("<AccessKeyId>ASIAEXAMPLE", "<AccessKeyId>"),
        Replaced("</SecretAccessKey>", ""), Replaced("SessionToken", "Token"),
        Replaced("2026-01-02", "soon"), Replaced("&amp;", "&amp"),
        Replaced("&amp;", "&bad;"), Replaced("&#65;", "&#0;"),
        Replaced("&#65;", "&#x110000;"), Replaced("&#65;", "&#;"),
        Replaced("&#65;", "<b>")}) {
    const Status status = Read(text).status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << text;
    EXPECT_EQ(status.message().find("se/cret"), std::string::npos);
  }
}

TEST(StsMessages, EveryPrefixIsReadOrRefusedWithoutACrash) {
  const std::string_view whole = kAnswer;
  for (size_t size = 0; size < whole.size(); ++size) {
    (void)Read(whole.substr(0, size)).status();
  }
}

TEST(StsMessages, OnlyRoleArnsAndSessionNamesPass) {
  EXPECT_TRUE(CheckRoleRequest(Role()).ok());
  RoleRequest role = Role();
  role.role_arn = "arn:aws-cn:iam::1:role/path/x";
  EXPECT_TRUE(CheckRoleRequest(role).ok());
  for (const char* arn : {"", "db", "arn:aws:kms:eu-west-1:1:key/x"}) {
    role = Role();
    role.role_arn = arn;
    EXPECT_EQ(CheckRoleRequest(role).code(), StatusCode::kMisconfigured);
  }
  for (const std::string& name : {std::string(), std::string("a"),
                                  std::string("a b"), std::string(65, 'a')}) {
    role = Role();
    role.session_name = name;
    EXPECT_EQ(CheckRoleRequest(role).code(), StatusCode::kMisconfigured);
  }
}

}  // namespace
}  // namespace openkeyring
