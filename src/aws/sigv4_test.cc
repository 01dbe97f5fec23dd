// SPDX-License-Identifier: MIT
#include "aws/sigv4.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace openkeyring {
namespace {

using std::chrono::sys_days;

// 2015-08-30T12:36:00Z, the moment of AWS's published test suite.
const WallTime kSuiteTime = sys_days(std::chrono::year(2015) / 8 / 30) +
                            std::chrono::hours(12) + std::chrono::minutes(36);

Credentials SuiteCredentials() {
  return {"AKIDEXAMPLE",
          Secret::CopyOf(
              std::string_view("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")),
          Secret(), std::nullopt};
}

SignableRequest Vanilla() {
  return {
      "GET",
      "/",
      {},
      {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
      *Sha256Hex({})};
}

std::string SuiteSignature(const SignableRequest& request) {
  const SigningScope scope{"us-east-1", "service"};
  const Secret key = *SigningKey(SuiteCredentials().secret_access_key,
                                 "20150830T123600Z", scope);
  return *Signature(
      key, *StringToSign("20150830T123600Z", scope, CanonicalRequest(request)));
}

TEST(SigV4, DateIsIsoBasicInUtc) {
  EXPECT_EQ(AmzDate(kSuiteTime), "20150830T123600Z");
  EXPECT_EQ(AmzDate(kSuiteTime + std::chrono::milliseconds(999)),
            "20150830T123600Z");
}

TEST(SigV4, CanonicalRequestOfGetVanilla) {
  EXPECT_EQ(
      CanonicalRequest(Vanilla()),
      "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
      "host;x-amz-date\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(SigV4, StringToSignOfGetVanilla) {
  EXPECT_EQ(*StringToSign("20150830T123600Z", {"us-east-1", "service"},
                          CanonicalRequest(Vanilla())),
            "AWS4-HMAC-SHA256\n20150830T123600Z\n"
            "20150830/us-east-1/service/aws4_request\n"
            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
}

TEST(SigV4, SignatureOfGetVanilla) {
  EXPECT_EQ(SuiteSignature(Vanilla()),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, QueryIsSortedByEncodedNameThenValue) {
  SignableRequest request = Vanilla();
  request.query = {{"Param2", "value2"}, {"Param1", "b"}, {"Param1", "a c"}};
  EXPECT_NE(
      CanonicalRequest(request).find("\nParam1=a%20c&Param1=b&Param2=value2\n"),
      std::string::npos);
}

TEST(SigV4, BlanksInHeaderValuesAreFoldedAndRepeatedHeadersJoined) {
  SignableRequest request = Vanilla();
  request.headers.emplace_back("My-Header1", "  a   b   c ");
  request.headers.emplace_back("my-header1", "d");
  EXPECT_NE(CanonicalRequest(request).find("\nmy-header1:a b c,d\n"),
            std::string::npos);
  EXPECT_EQ(SignedHeaderNames(request), "host;my-header1;x-amz-date");
}

TEST(SigV4, PathIsNormalisedAndEncodedOnceMore) {
  SignableRequest request = Vanilla();
  const auto path_line = [&](const char* path) {
    request.path = path;
    const std::string text = CanonicalRequest(request);
    return text.substr(4, text.find('\n', 4) - 4);
  };
  EXPECT_EQ(path_line("/"), "/");
  EXPECT_EQ(path_line("/example/.."), "/");
  EXPECT_EQ(path_line("/./example"), "/example");
  EXPECT_EQ(path_line("//example//"), "/example/");
  EXPECT_EQ(path_line("/a%20b"), "/a%2520b");
}

// Made with libkms_message, another implementation.
TEST(SigV4, SignatureOfAKmsEncryptMatchesAnIndependentSigner) {
  const std::string body = R"({"Plaintext": "Zm9vYmFy", "KeyId": "alias/1"})";
  const SignableRequest request{
      "POST",
      "/",
      {},
      {{"Host", "kms.us-east-1.amazonaws.com"},
       {"X-Amz-Date", "20261122T000000Z"},
       {"X-Amz-Target", "TrentService.Encrypt"},
       {"Content-Type", "application/x-amz-json-1.1"},
       {"Content-Length", std::to_string(body.size())}},
      *Sha256Hex(AsBytes(body))};
  const SigningScope scope{"us-east-1", "kms"};
  const Secret key = *SigningKey(SuiteCredentials().secret_access_key,
                                 "20261122T000000Z", scope);
  EXPECT_EQ(*Signature(key, *StringToSign("20261122T000000Z", scope,
                                          CanonicalRequest(request))),
            "d5e1aae2fbba473fcdfbb2b045ec4de7885396966bb750dc15c1429de2e26480");
}

TEST(SigV4, SignRequestSignsTheRealHostAndTheSessionToken) {
  HttpRequest request;
  request.method = "POST";
  request.url = "https://kms.example.internal:8443/";
  Credentials credentials = SuiteCredentials();
  credentials.session_token = Secret::CopyOf(std::string_view("TOKEN"));
  ASSERT_TRUE(
      SignRequest(request, credentials, {"eu-west-1", "kms"}, kSuiteTime).ok());
  const auto find = [&](const std::string& name) {
    for (const Header& header : request.headers) {
      if (header.first == name) return header.second;
    }
    return std::string();
  };
  EXPECT_EQ(find("Host"), "kms.example.internal:8443");
  EXPECT_EQ(find("X-Amz-Security-Token"), "TOKEN");
  EXPECT_NE(find("Authorization")
                .find("Credential=AKIDEXAMPLE/20150830/eu-west-1/kms/"
                      "aws4_request, "
                      "SignedHeaders=host;x-amz-date;x-amz-security-token, "
                      "Signature="),
            std::string::npos);
}

// As under FIPS without a FIPS provider.
TEST(SigV4, WhatOpenSslRefusesIsAnErrorAndNeverASignature) {
  HttpRequest request;
  request.url = "https://kms.eu-west-1.amazonaws.com/";
  const Secret key = Secret::CopyOf(std::string_view("key"));
  EVP_set_default_properties(nullptr, "fips=yes");
  const Status signing = SignRequest(request, SuiteCredentials(),
                                     {"eu-west-1", "kms"}, kSuiteTime);
  const StatusCode refused[] = {
      Sha256Hex({}).status().code(), Signature(key, "x").status().code(),
      SigningKey(key, "20260102", {"r", "s"}).status().code(),
      StringToSign("20260102", {"r", "s"}, "x").status().code()};
  EVP_set_default_properties(nullptr, "");
  EXPECT_EQ(signing.code(), StatusCode::kInternal);
  for (const StatusCode code : refused) EXPECT_EQ(code, StatusCode::kInternal);
  for (const Header& header : request.headers) {
    EXPECT_NE(header.first, "Authorization");
  }
}

}  // namespace
}  // namespace openkeyring
