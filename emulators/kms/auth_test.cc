// SPDX-License-Identifier: MIT
#include "emulators/kms/auth.h"

#include <gtest/gtest.h>

#include "aws/sigv4.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace kms_emulator {
namespace {

using openkeyring::Secret;

class EmulatorAuth : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = KeyStore::Open(openkeyring::PosixFileSystem(), random_, "",
                                 "111122223333");
    ASSERT_TRUE(opened.has_value());
    store_ = std::move(*opened);
    AccessKey key;
    key.id = "AKIDEXAMPLE";
    key.secret = "secret";
    key.principal = "arn:aws:iam::111122223333:user/a";
    (void)store_->Update([&](State& state) -> Outcome<void> {
      state.access_keys[key.id] = key;
      return {};
    });
  }

  // As our own signer makes it; other signers are tried in tests/emulator.
  HttpMessage Signed(openkeyring::WallTime at) const {
    openkeyring::HttpRequest request;
    request.method = "POST";
    request.url = "http://127.0.0.1:8080/";
    request.headers = {{"X-Amz-Target", "TrentService.ListKeys"}};
    request.body = Secret::CopyOf(std::string_view("{}"));
    openkeyring::Credentials credentials;
    credentials.access_key_id = "AKIDEXAMPLE";
    credentials.secret_access_key = Secret::CopyOf(std::string_view("secret"));
    EXPECT_TRUE(
        openkeyring::SignRequest(request, credentials, {"us-east-1", "kms"}, at)
            .ok());
    return {"POST", "/", "", false, request.headers, "{}"};
  }

  std::string CodeOf(const HttpMessage& message) const {
    const auto caller = auth().Verify(message, "kms", clock_.Now());
    return caller ? "" : caller.error().code;
  }
  Authenticator auth() const { return {*store_, {"us-east-1"}}; }

  openkeyring::FakeRandom random_;
  openkeyring::ManualClock clock_;
  std::unique_ptr<KeyStore> store_;
};

TEST_F(EmulatorAuth, AGoodSignatureTellsWhoAndWhere) {
  const auto caller = auth().Verify(Signed(clock_.Now()), "kms", clock_.Now());
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(caller->principal, "arn:aws:iam::111122223333:user/a");
  EXPECT_EQ(caller->region, "us-east-1");
}

TEST_F(EmulatorAuth, EveryChangedPartIsRefused) {
  const HttpMessage good = Signed(clock_.Now());
  HttpMessage spoilt = good;
  spoilt.body = "{ }";
  EXPECT_EQ(CodeOf(spoilt), "InvalidSignatureException");
  spoilt = good;
  spoilt.query = "a=b";
  EXPECT_EQ(CodeOf(spoilt), "InvalidSignatureException");
  spoilt = good;
  spoilt.method = "PUT";
  EXPECT_EQ(CodeOf(spoilt), "InvalidSignatureException");
  for (size_t i = 0; i < good.headers.size(); ++i) {
    spoilt = good;
    spoilt.headers[i].second += "0";
    EXPECT_NE(CodeOf(spoilt), "") << good.headers[i].first;
  }
  EXPECT_EQ(CodeOf(good), "");
}

TEST_F(EmulatorAuth, FiveMinutesEitherWayAreAllowed) {
  using std::chrono::seconds;
  for (const int offset : {-300, 300}) {
    EXPECT_EQ(CodeOf(Signed(clock_.Now() + seconds(offset))), "");
  }
  for (const int offset : {-301, 301}) {
    EXPECT_EQ(CodeOf(Signed(clock_.Now() + seconds(offset))),
              "InvalidSignatureException");
  }
}

TEST(EmulatorAuthorizationHeader, ReadsItsPartsWithOrWithoutBlanks) {
  for (const char* text :
       {"AWS4-HMAC-SHA256 Credential=a/20260102/r/kms/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/kms/aws4_request,"
        "SignedHeaders=host;x-amz-date,Signature=00"}) {
    const auto header = ParseAuthorization(text);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->access_key_id, "a");
    EXPECT_EQ(header->date, "20260102");
    EXPECT_EQ(header->region, "r");
    EXPECT_EQ(header->service, "kms");
    EXPECT_EQ(header->signed_headers, "host;x-amz-date");
    EXPECT_EQ(header->signature, "00");
  }
}

}  // namespace
}  // namespace kms_emulator
