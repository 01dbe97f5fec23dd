// SPDX-License-Identifier: MIT
#include "aws/aws_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "testing/fakes.h"

namespace openkeyring {
namespace {

using std::string_literals::operator""s;

AwsError Parse(std::string_view body, std::vector<Header> headers = {},
               int status = 400) {
  return ParseAwsError(MakeResponse(status, body, std::move(headers)));
}

AwsErrorClass Judge(const std::string& code, int status = 400) {
  AwsError error;
  error.code = code;
  error.http_status = status;
  return ClassifyAwsError(error);
}

TEST(ParseAwsError, ReadsTheBodyOfKms) {
  const AwsError error = Parse(
      R"({"__type":"NotFoundException","message":"Key 'x' does not exist"})",
      {{"x-amzn-requestid", "id-1"}});
  EXPECT_EQ(error.http_status, 400);
  EXPECT_EQ(error.code, "NotFoundException");
  EXPECT_EQ(error.message, "Key 'x' does not exist");
  EXPECT_EQ(error.request_id, "id-1");
}

TEST(ParseAwsError, ReadsAllSpellingsOfCodes) {
  for (const char* body :
       {R"({"__type":"ThrottlingException"})",
        R"({"code":"ThrottlingException"})",
        R"({"Code":"ThrottlingException"})",
        R"({"__type":"com.amazon.coral#ThrottlingException"})",
        R"({"__type":"a#b#ThrottlingException:http://internal/"})",
        "  {\"__type\" : \"ThrottlingException\"}\n",
        "<ErrorResponse><Error><Code>ThrottlingException</Code></Error>"}) {
    EXPECT_EQ(Parse(body).code, "ThrottlingException") << body;
  }
}

TEST(ClassifyAwsError, ASignatureOfAnotherScopeIsCuredByTheRegion) {
  AwsError error;
  error.http_status = 400;
  error.code = "InvalidSignatureException";
  for (const char* message :
       {"Credential should be scoped to a valid region, not 'us-east-1'. ",
        "Credential should be scoped to correct service: 'kms'. "}) {
    error.message = message;
    const Status status = AwsErrorStatus("X", error);
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_NE(status.message().find("check the region"), std::string::npos);
    EXPECT_EQ(status.message().find("clock"), std::string::npos);
    EXPECT_FALSE(ClassifyAwsError(error).refresh_credentials);
  }
  error.message = "The request signature we calculated does not match";
  EXPECT_NE(AwsErrorStatus("X", error).message().find("clock"),
            std::string::npos);
}

TEST(ParseAwsError, ReadsTheRequestIdOfXml) {
  EXPECT_EQ(Parse("<ErrorResponse><Error><Code>X</Code></Error>"
                  "<RequestId>id-2</RequestId></ErrorResponse>")
                .request_id,
            "id-2");
}

TEST(ParseAwsError, ReadsAllSpellingsOfMessages) {
  for (const char* body :
       {R"({"message":"why"})", R"({"Message":"why"})",
        R"({"errorMessage":"why"})", R"({"message":null,"Message":"why"})",
        "<Error><Code>X</Code><Message>why</Message></Error>"}) {
    EXPECT_EQ(Parse(body).message, "why") << body;
  }
}

TEST(ParseAwsError, TheHeadersCodeBeatsTheBodys) {
  const std::vector<Header> headers = {
      {"x-amzn-errortype", "AccessDeniedException:http://x"}};
  EXPECT_EQ(Parse(R"({"__type":"Other"})", headers).code,
            "AccessDeniedException");
  EXPECT_EQ(Parse("", headers).code, "AccessDeniedException");
}

TEST(ParseAwsError, ReadsTheXmlOfSts) {
  const AwsError error = Parse(
      "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
      "  <Error>\n    <Type>Sender</Type>\n    <Code>ExpiredToken</Code>\n"
      "    <Message>The token\n is expired</Message>\n  </Error>\n"
      "</ErrorResponse>");
  EXPECT_EQ(error.code, "ExpiredToken");
  EXPECT_EQ(error.message, "The token is expired");
}

TEST(ParseAwsError, ShowsThePageOfAProxyWithoutItsTags) {
  const AwsError error = Parse(
      "<html><head><title>403</title></head><body><h1>Forbidden</h1>"
      "by policy</body></html>",
      {}, 403);
  EXPECT_EQ(error.code, "");
  EXPECT_EQ(error.message,
            "an answer that is not from AWS: \"403 Forbidden by policy\"");
}

TEST(ParseAwsError, NeverFailsAndAlwaysHasAPrintableMessageOfModestSize) {
  const std::string deep(100000, '[');
  for (const std::string& body :
       {""s,
        " \n"s,
        "{"s,
        "{}"s,
        "[]"s,
        "null"s,
        "{\"message\":7}"s,
        "{\"__type\":{}}"s,
        "{\"message\":\"\\u0000\\ud800\"}"s,
        "<Code>"s,
        "<Code></Code>"s,
        "<Code>x"s,
        "</Code><Code>"s,
        "<"s,
        "<<<>>>"s,
        std::string("\0\x01\xff\xfe", 4),
        "{\"a\":" + deep,
        deep,
        "{\"message\":\"" + std::string(100000, 'm') + "\"}",
        "<Code>" + std::string(5000, 'c') + "</Code>",
        std::string(100000, 'p'),
        "{\"message\":\"line\\nend\\u001b[31m\"}"s}) {
    const AwsError error = Parse(body);
    EXPECT_FALSE(error.message.empty());
    for (const std::string& text : {error.message, error.code}) {
      EXPECT_LE(text.size(), 400u) << body.substr(0, 40);
      EXPECT_TRUE(std::ranges::all_of(text, [](char c) {
        return c >= ' ' && c < 0x7f;
      })) << text;
    }
  }
}

TEST(ParseAwsError, MarksAMessageThatWasCut) {
  EXPECT_EQ(Parse("{\"message\":\"" + std::string(400, 'm') + "\"}").message,
            std::string(400, 'm'));
  EXPECT_EQ(Parse("{\"message\":\"" + std::string(401, 'm') + "\"}").message,
            std::string(397, 'm') + "...");
}

TEST(ParseAwsError, ReadsDateAndWish) {
  const AwsError error = Parse("", {{"date", "Fri, 02 Jan 2026 03:04:05 GMT"},
                                    {"x-amz-retry-after", "1500"}});
  ASSERT_TRUE(error.date);
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*error.date), 1767323045);
  EXPECT_EQ(error.retry_after, Millis(1500));
  for (const char* bad : {"", "soon", "-1", "99999999999999999999"}) {
    EXPECT_EQ(Parse("", {{"x-amz-retry-after", bad}}).retry_after, std::nullopt)
        << bad;
  }
}

TEST(ClassifyAwsError, KnowsWhatPassesByWaiting) {
  for (const char* code : {"KMSInternalException", "DependencyTimeoutException",
                           "KeyUnavailableException", "ServiceUnavailable",
                           "InternalFailure", "RequestTimeout"}) {
    EXPECT_TRUE(Judge(code).retry) << code;
    EXPECT_EQ(Judge(code).code, StatusCode::kUnavailable) << code;
  }
}

// KMS has one code for a key that is pending deletion and for one whose
// external key store is away; the words are those of AWS's troubleshooting
// guide.
AwsError InvalidState(const char* message) {
  AwsError error;
  error.http_status = 400;
  error.code = "KMSInvalidStateException";
  error.message = message;
  return error;
}

TEST(ClassifyAwsError, AnExternalKeyStoreThatDoesNotAnswerIsAwayAndNotDenied) {
  for (const char* message :
       {"AWS KMS rejected the request because the external key store proxy did "
        "not respond in time. Retry the request.",
        "AWS KMS cannot communicate with the external key store proxy.",
        "The external key store proxy is in an unhealthy state.",
        "AWS KMS cannot interpret the response from the external key store "
        "proxy."}) {
    const AwsError error = InvalidState(message);
    const AwsErrorClass error_class = ClassifyAwsError(error);
    EXPECT_EQ(error_class.code, StatusCode::kUnavailable) << message;
    EXPECT_TRUE(error_class.retry) << message;
    EXPECT_EQ(KeyStateOf(error), std::nullopt) << message;
    const std::string text = AwsErrorStatus("Decrypt", error).message();
    EXPECT_NE(text.find("does not answer"), std::string::npos) << text;
    EXPECT_EQ(text.find("deletion"), std::string::npos) << text;
  }
  const AwsError busy = InvalidState(
      "The external key store proxy rejected the request due to a very high "
      "request rate.");
  EXPECT_EQ(ClassifyAwsError(busy).code, StatusCode::kThrottled);
  EXPECT_TRUE(ClassifyAwsError(busy).not_done);
  EXPECT_EQ(KeyStateOf(busy), std::nullopt);
}

TEST(ClassifyAwsError, WhatAnExternalKeyStoreRefusesIsFinal) {
  for (const char* message :
       {"The external key store proxy rejected the request because the "
        "external key is not enabled in the external key manager.",
        "The external key store proxy denied access to the operation.",
        "The ciphertext that the external key store proxy submitted for "
        "decryption is corrupted."}) {
    const AwsError error = InvalidState(message);
    EXPECT_EQ(ClassifyAwsError(error).code, StatusCode::kDenied) << message;
    EXPECT_FALSE(ClassifyAwsError(error).retry) << message;
    EXPECT_EQ(KeyStateOf(error), WrappingKeyState::kUnusable) << message;
    EXPECT_NE(AwsErrorStatus("Decrypt", error).message().find("key manager"),
              std::string::npos);
  }
  // Other codes say what they mean.
  AwsError other = InvalidState(
      "AWS KMS cannot communicate with the external key store proxy");
  other.code = "AccessDeniedException";
  EXPECT_EQ(ClassifyAwsError(other).code, StatusCode::kDenied);
}

TEST(ClassifyAwsError, KnowsWhatFewerCallsCure) {
  for (const char* code :
       {"ThrottlingException", "Throttling", "ThrottledException",
        "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "ProvisionedThroughputExceededException",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown",
        "EC2ThrottledException"}) {
    for (const int status : {400, 429, 503}) {
      EXPECT_EQ(Judge(code, status).code, StatusCode::kThrottled) << code;
      EXPECT_TRUE(Judge(code, status).retry) << code;
      EXPECT_TRUE(Judge(code, status).not_done) << code;
    }
  }
  EXPECT_EQ(Judge("", 429).code, StatusCode::kThrottled);
  EXPECT_EQ(Judge("SomethingNew", 429).code, StatusCode::kThrottled);
  EXPECT_EQ(Judge("", 503).code, StatusCode::kUnavailable);
}

TEST(ClassifyAwsError, KnowsWhatOnlyAPersonCanMend) {
  const std::pair<const char*, StatusCode> table[] = {
      {"AccessDeniedException", StatusCode::kDenied},
      {"DisabledException", StatusCode::kDenied},
      {"KMSInvalidStateException", StatusCode::kDenied},
      {"NotFoundException", StatusCode::kMisconfigured},
      {"InvalidArnException", StatusCode::kMisconfigured},
      {"InvalidKeyUsageException", StatusCode::kMisconfigured},
      {"InvalidCiphertextException", StatusCode::kCorrupt},
      {"IncorrectKeyException", StatusCode::kCorrupt},
      {"ValidationException", StatusCode::kInvalidArgument},
      // Of KMS: the 25 rotations of a key are used up, not a rate of calls.
      {"LimitExceededException", StatusCode::kDenied},
      {"SomethingNew", StatusCode::kDenied},
  };
  for (const auto& [code, expected] : table) {
    const AwsErrorClass error_class = Judge(code);
    EXPECT_EQ(error_class.code, expected) << code;
    EXPECT_FALSE(error_class.retry) << code;
    EXPECT_FALSE(error_class.refresh_credentials) << code;
  }
}

TEST(ClassifyAwsError, KnowsWhatFreshCredentialsOrARightClockMayCure) {
  for (const char* code : {"ExpiredTokenException", "ExpiredToken",
                           "UnrecognizedClientException"}) {
    EXPECT_TRUE(Judge(code).refresh_credentials) << code;
    EXPECT_FALSE(Judge(code).may_be_clock_skew) << code;
    EXPECT_FALSE(Judge(code).retry) << code;
  }
  for (const char* code :
       {"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired",
        "RequestTimeTooSkewed", "RequestInTheFuture"}) {
    EXPECT_TRUE(Judge(code).may_be_clock_skew) << code;
    EXPECT_EQ(Judge(code).code, StatusCode::kDenied) << code;
  }
}

TEST(ClassifyAwsError, KnowsTheSpellingsOfBothProtocols) {
  for (const char* code :
       {"MissingAuthenticationToken", "MissingAuthenticationTokenException",
        "IncompleteSignature", "IncompleteSignatureException"}) {
    EXPECT_NE(Judge(code).advice.find("something on the way"),
              std::string_view::npos)
        << code;
  }
}

TEST(ClassifyAwsError, GoesByTheHttpStatusWhereNoCodeIsKnown) {
  for (const int status : {429, 500, 502, 503, 504}) {
    EXPECT_TRUE(Judge("", status).retry) << status;
    EXPECT_TRUE(Judge("SomethingNew", status).retry) << status;
  }
  for (const int status : {302, 400, 403, 404, 407}) {
    EXPECT_FALSE(Judge("", status).retry) << status;
    EXPECT_EQ(Judge("", status).code, StatusCode::kUnavailable) << status;
  }
}

TEST(ClassifyAwsError, IsNeverNotFound) {
  for (const char* code : {"NotFoundException", "ResourceNotFoundException",
                           "NoSuchKey", "NotFound", ""}) {
    for (const int status : {400, 404, 500}) {
      EXPECT_NE(Judge(code, status).code, StatusCode::kNotFound) << code;
    }
  }
}

TEST(AwsErrorStatus, TellsWhatWhyWhereAndTheCure) {
  AwsError error;
  error.http_status = 400;
  error.code = "DisabledException";
  error.message = "it is disabled";
  error.request_id = "id-7";
  const Status status = AwsErrorStatus("Decrypt", error);
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_EQ(status.message(),
            "Decrypt failed: DisabledException: it is disabled (HTTP 400, "
            "request id id-7); enable the KMS key");
}

TEST(ParseHttpDate, ReadsTheFormOfRfc9110) {
  const auto date = ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT");
  ASSERT_TRUE(date);
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*date), 784111777);
  EXPECT_EQ(std::chrono::system_clock::to_time_t(
                *ParseHttpDate("Thu, 29 Feb 2024 23:59:60 GMT")),
            1709251200);
  EXPECT_TRUE(ParseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT"));
  EXPECT_TRUE(ParseHttpDate("Wed, 31 Dec 2200 23:59:59 GMT"));
}

TEST(ParseHttpDate, RefusesEverythingElse) {
  for (const char* bad :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT",
        "Sun,x06xNovx1994x08x49x37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"}) {
    EXPECT_FALSE(ParseHttpDate(bad)) << bad;
  }
}

}  // namespace
}  // namespace openkeyring
