// SPDX-License-Identifier: MIT
#include "aws/aws_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "aws/credentials/assumed_role.h"
#include "aws/credentials/credential_chain.h"
#include "aws/kms_client.h"
#include "base/encoding.h"
#include "keyring/adaptive_parallelism.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kGoodDecrypt[] =
    R"({"KeyId":"arn:aws:kms:us-east-1:1:key/k","Plaintext":"a2V5LWJ5dGVz"})";
constexpr char kKeyId[] = "alias/db";

// Hands out a new access key at every fetch: AKID1, AKID2, ...
class CountingSource : public CredentialSource {
 public:
  std::string Name() const override { return "counting"; }
  Result<Credentials> Fetch(const Deadline&) override {
    return Credentials{"AKID" + std::to_string(++fetches_),
                       Secret::CopyOf(std::string_view("secret-of-the-test")),
                       Secret(), std::nullopt};
  }

 private:
  int fetches_ = 0;
};

// The call loop, seen through a client of KMS.
class AwsClientTest : public testing::Test {
 protected:
  AwsClientTest() { settings_.region = "us-east-1"; }

  KmsClient& client() {
    if (client_ == nullptr) {
      if (sources_.empty()) sources_ = MakeSources();
      chain_ =
          std::make_unique<CredentialChain>(std::move(sources_), clock_, log_);
      region_ = std::make_unique<RegionResolver>(dependencies_, settings_);
      KmsClientOptions options;
      options.master_key_id = [] { return std::string(kKeyId); };
      client_ = std::make_unique<KmsClient>(dependencies_, settings_, *chain_,
                                            *region_, std::move(options));
    }
    return *client_;
  }
  static CredentialSources MakeSources() {
    CredentialSources sources;
    sources.push_back(std::make_unique<CountingSource>());
    return sources;
  }
  Result<UnwrappedKey> Decrypt(Millis time = Millis(60000)) {
    return client().Unwrap({{'b', 'l', 'o', 'b'}, kKeyId}, {{"a", "b"}},
                           Deadline::After(clock_, time));
  }
  void PushError(int status, const std::string& code,
                 std::vector<Header> headers = {}) {
    http_.Push(status, R"({"__type":")" + code + R"(","message":"planted"})",
               std::move(headers));
  }

  ManualClock clock_;
  FakeHttp http_;
  FakeEnvironment environment_;
  FakeProcessRunner processes_;
  FakeRandom random_;
  MemoryLog log_;
  AwsClock aws_clock_{clock_, log_};
  RetryQuota quota_;
  AwsDependencies dependencies_{
      http_,      aws_clock_, environment_, PosixFileSystem(),
      processes_, random_,    log_,         quota_};
  AwsSettings settings_;
  CredentialSources sources_;  // Of the client; empty: MakeSources().
  std::unique_ptr<CredentialChain> chain_;
  std::unique_ptr<RegionResolver> region_;
  std::unique_ptr<KmsClient> client_;
};

TEST_F(AwsClientTest, DecryptSaysWhatKmsExpects) {
  http_.Push(200, kGoodDecrypt);
  const auto plaintext = Decrypt();
  ASSERT_TRUE(plaintext) << plaintext.error().message();
  EXPECT_EQ(plaintext->key.RevealText(), "key-bytes");
  const FakeHttp::Seen seen = http_.seen().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.url, "https://kms.us-east-1.amazonaws.com/");
  EXPECT_EQ(seen.HeaderOr("X-Amz-Target"), "TrentService.Decrypt");
  EXPECT_EQ(seen.HeaderOr("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_THAT(seen.HeaderOr("Authorization"),
              HasSubstr("Credential=AKID1/20260102/us-east-1/kms/"));
  EXPECT_THAT(seen.HeaderOr("Authorization"),
              HasSubstr("SignedHeaders=content-type;host;x-amz-date;"
                        "x-amz-target,"));
  EXPECT_EQ(seen.body, R"({"CiphertextBlob":"YmxvYg==",)"
                       R"("EncryptionContext":{"a":"b"},"KeyId":"alias/db"})");
  EXPECT_FALSE(seen.allow_plain_http);
}

TEST_F(AwsClientTest, ExplicitEndpointKeepsTheConfiguredSigningRegion) {
  settings_.region = "eu-west-3";
  settings_.kms_endpoint_url = "https://vpce-1.kms.vpce.amazonaws.com:8443";
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt());
  const FakeHttp::Seen seen = http_.seen().at(0);
  EXPECT_EQ(seen.url, "https://vpce-1.kms.vpce.amazonaws.com:8443/");
  EXPECT_EQ(seen.HeaderOr("Host"), "vpce-1.kms.vpce.amazonaws.com:8443");
  EXPECT_THAT(seen.HeaderOr("Authorization"), HasSubstr("/eu-west-3/kms/"));
}

TEST_F(AwsClientTest, FipsAndDualStackEndpoints) {
  settings_.use_fips_endpoint = true;
  settings_.use_dualstack_endpoint = true;
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt());
  EXPECT_EQ(http_.seen().at(0).url, "https://kms-fips.us-east-1.api.aws/");
}

TEST_F(AwsClientTest, ThrottlingIsRetriedWithGrowingPauses) {
  PushError(400, "ThrottlingException");
  PushError(400, "ThrottlingException");
  http_.Push(200, kGoodDecrypt);
  EXPECT_TRUE(Decrypt());
  // Half (the fake's fraction) of 1 s and 2 s.
  EXPECT_EQ(clock_.sleeps(), (std::vector{Millis(500), Millis(1000)}));
  EXPECT_EQ(client().statistics().retries, 2u);
  EXPECT_EQ(client().statistics().requests, 3u);
}

TEST_F(AwsClientTest, AThrottledCallOfABatchIsTheBatchsToRepeat) {
  for (const char* code : {"ThrottlingException", "SlowDown"}) {
    PushError(503, code);
    const Status status =
        client()
            .Unwrap(
                {{'b'}, kKeyId}, {},
                Deadline::After(clock_, Millis(60000)).ReportingThrottling())
            .status();
    EXPECT_EQ(status.code(), StatusCode::kThrottled);
  }
  EXPECT_EQ(http_.seen().size(), 2u);
  EXPECT_TRUE(clock_.sleeps().empty());
  EXPECT_EQ(quota_.available(), 500);
}

// A load that is throttled hundreds of times, and ends well, has no errors.
TEST_F(AwsClientTest, AThrottledCallOfABatchIsNoError) {
  const Deadline deadline = Deadline::After(clock_, Millis(60000));
  PushError(400, "ThrottlingException");
  EXPECT_FALSE(
      client().Unwrap({{'b'}, kKeyId}, {}, deadline.ReportingThrottling()));
  const CallStatistics statistics = client().statistics();
  EXPECT_EQ(statistics.throttled, 1u);
  EXPECT_EQ(statistics.errors, 0u);
  EXPECT_EQ(statistics.last_error_time, std::nullopt);
  EXPECT_EQ(statistics.reachable(), std::nullopt);
  EXPECT_THAT(statistics.last_error, HasSubstr("ThrottlingException"))
      << "in case the batch gives up";
}

TEST_F(AwsClientTest, WhatIsThrottledToTheEndIsAnErrorWithoutABatch) {
  settings_.max_attempts = 1;
  for (int i = 0; i < 20; ++i) PushError(400, "ThrottlingException");
  EXPECT_FALSE(Decrypt());
  EXPECT_EQ(client().statistics().errors, 1u);
  EXPECT_EQ(client().statistics().reachable(), false);
}

TEST_F(AwsClientTest, OtherFailuresOfABatchAreStillRetried) {
  PushError(500, "KMSInternalException");
  http_.Push(200, kGoodDecrypt);
  EXPECT_TRUE(client().Unwrap(
      {{'b'}, kKeyId}, {},
      Deadline::After(clock_, Millis(60000)).ReportingThrottling()));
}

// The batch slows down for the calls of KMS; those of STS retry as always.
TEST_F(AwsClientTest, AThrottledStsIsNoThrottlingOfTheBatch) {
  RegionResolver region(dependencies_, settings_);
  sources_.push_back(std::make_unique<AssumedRoleSource>(
      MakeSources(),
      std::make_shared<StsClient>(dependencies_, settings_, region),
      RoleRequest{"arn:aws:iam::1:role/db", "", "", {}}));
  http_.Push(400,
             "<ErrorResponse><Error><Code>Throttling</Code></Error>"
             "</ErrorResponse>");
  http_.Push(200,
             "<R><Credentials><AccessKeyId>ASIA</AccessKeyId>"
             "<SecretAccessKey>s</SecretAccessKey><SessionToken>t"
             "</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>"
             "</Credentials></R>");
  for (int i = 0; i < 20; ++i) http_.Push(200, kGoodDecrypt);
  AdaptiveParallelism parallelism(1, random_);
  const Deadline deadline = Deadline::After(clock_, Millis(60000));
  const BatchEnd end =
      RunAdaptive(20, parallelism, clock_, deadline, [&](size_t) {
        return client()
            .Unwrap({{'b'}, kKeyId}, {}, deadline.ReportingThrottling())
            .status();
      });
  EXPECT_EQ(end, BatchEnd::kComplete);
  EXPECT_EQ(parallelism.RoundSize(1000), 1000u) << "never slowed down";
  EXPECT_EQ(http_.seen().size(), 2u + 20u);
  EXPECT_EQ(clock_.sleeps(), std::vector{Millis(500)}) << "the retry's own";
}

TEST_F(AwsClientTest, AttemptsAreLimited) {
  settings_.max_attempts = 2;
  for (int i = 0; i < 5; ++i) PushError(500, "KMSInternalException");
  const Status status = Decrypt().status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(http_.seen().size(), 2u);
  EXPECT_THAT(status.message(), HasSubstr("KMSInternalException: planted"));
}

TEST_F(AwsClientTest, NoRetryBeginsBeyondTheDeadline) {
  for (int i = 0; i < 3; ++i) PushError(503, "ServiceUnavailable");
  EXPECT_FALSE(Decrypt(Millis(400)));
  EXPECT_EQ(http_.seen().size(), 1u);
  EXPECT_TRUE(clock_.sleeps().empty());
}

// The handler cancels in the middle of the exchange, as a caller that needs
// the answer no more does.
TEST_F(AwsClientTest, ACancelledCallIsNoErrorOfTheServiceAndNotRetried) {
  Cancellation cancellation;
  const Cancellation* seen = nullptr;
  FakeHttp http([&](const HttpRequest& request) -> Result<HttpResponse> {
    seen = request.cancellation;
    cancellation.Cancel();
    return Status(StatusCode::kTimeout, "nobody waits for it");
  });
  AwsDependencies dependencies{
      http,       aws_clock_, environment_, PosixFileSystem(),
      processes_, random_,    log_,         quota_};
  KmsClientOptions options;
  options.master_key_id = [] { return std::string(kKeyId); };
  client();  // For the chain and the region.
  KmsClient cancelled(dependencies, settings_, *chain_, *region_,
                      std::move(options));
  const Status status =
      cancelled
          .Unwrap(
              {{'b'}, kKeyId}, {},
              Deadline::After(clock_, Millis(60000)).CancelledBy(cancellation))
          .status();
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_EQ(seen, &cancellation);
  EXPECT_EQ(http.seen().size(), 1u);
  EXPECT_EQ(cancelled.statistics().errors, 0u);
  EXPECT_EQ(cancelled.statistics().last_error, "");
}

TEST_F(AwsClientTest, APauseBeforeARetryEndsWhenTheCallIsCancelled) {
  Cancellation cancellation;
  FakeHttp http([&](const HttpRequest&) -> Result<HttpResponse> {
    return Status(StatusCode::kUnavailable, "refused");
  });
  AwsClock real(SystemClock(), log_);
  AwsDependencies dependencies{
      http,       real,    environment_, PosixFileSystem(),
      processes_, random_, log_,         quota_};
  settings_.max_attempts = 20;
  client();
  KmsClient slow(dependencies, settings_, *chain_, *region_,
                 {Millis(3000), [] { return std::string(kKeyId); }, "", {}});
  std::jthread canceller([&] {
    SystemClock().SleepFor(Millis(100));
    cancellation.Cancel();
  });
  const SteadyTime start = SystemClock().Steady();
  const Deadline deadline = Deadline::After(SystemClock(), Millis(60000));
  EXPECT_FALSE(
      slow.Unwrap({{'b'}, kKeyId}, {}, deadline.CancelledBy(cancellation)));
  EXPECT_LT(SystemClock().Steady() - start, Millis(400));
  EXPECT_EQ(http.seen().size(), 1u);
}

TEST_F(AwsClientTest, OneAttemptNeverOutlastsTheDeadline) {
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt(Millis(700)));
  EXPECT_LE(http_.seen().at(0).timeout, Millis(700));
}

TEST_F(AwsClientTest, LostConnectionIsRetriedAndNeverNotFound) {
  http_.PushError(Status(StatusCode::kUnavailable, "connection cut"));
  http_.Push(200, kGoodDecrypt);
  EXPECT_TRUE(Decrypt());
  for (int i = 0; i < 3; ++i) {
    http_.PushError(Status(StatusCode::kUnavailable, "connection refused"));
  }
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kUnavailable);
}

TEST_F(AwsClientTest, UntrustedCertificateIsNotRetried) {
  http_.PushError(Status(StatusCode::kMisconfigured, "certificate"));
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kMisconfigured);
  EXPECT_EQ(http_.seen().size(), 1u);
}

TEST_F(AwsClientTest, RefusalsAreFinalAndSayWhatToDo) {
  PushError(400, "AccessDeniedException");
  const Status denied = Decrypt().status();
  EXPECT_EQ(denied.code(), StatusCode::kDenied);
  EXPECT_THAT(denied.message(), HasSubstr("policy of the KMS key"));
  PushError(400, "DisabledException");
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kDenied);
  PushError(400, "InvalidCiphertextException");
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(http_.seen().size(), 3u);
}

TEST_F(AwsClientTest, MissingMasterKeyIsMisconfiguredAndNeverNotFound) {
  PushError(400, "NotFoundException");
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kMisconfigured);
}

TEST_F(AwsClientTest, RefusedCredentialsAreFetchedAnewOnce) {
  PushError(400, "ExpiredTokenException");
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt());
  EXPECT_THAT(http_.seen().at(1).HeaderOr("Authorization"),
              HasSubstr("Credential=AKID2/"));
  PushError(400, "UnrecognizedClientException");
  PushError(400, "UnrecognizedClientException");
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kDenied);
  EXPECT_EQ(http_.seen().size(), 4u);
}

TEST_F(AwsClientTest, WrongClockIsCorrectedByTheAnswersDate) {
  // The manual clock says 03:04:05.
  PushError(400, "InvalidSignatureException",
            {{"date", "Fri, 02 Jan 2026 04:04:05 GMT"}});
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt());
  EXPECT_EQ(http_.seen().at(1).HeaderOr("X-Amz-Date"), "20260102T040405Z");
  EXPECT_THAT(log_.Text(), HasSubstr("clock differs from AWS's by -3600"));
  // The correction stays.
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt());
  EXPECT_EQ(http_.seen().at(2).HeaderOr("X-Amz-Date"), "20260102T040405Z");
}

TEST_F(AwsClientTest, WrongSecretWithARightClockIsTriedTwiceAtMost) {
  for (int i = 0; i < 4; ++i) {
    PushError(400, "InvalidSignatureException",
              {{"date", "Fri, 02 Jan 2026 03:04:05 GMT"}});
  }
  EXPECT_EQ(Decrypt().status().code(), StatusCode::kDenied);
  EXPECT_EQ(http_.seen().size(), 2u) << "once more with fresh credentials";
}

TEST_F(AwsClientTest, AnswerThatIsNotFromKmsIsUnavailableNotCorrupt) {
  for (const char* body : {"<html>Please log in</html>", "", "{",
                           R"({"Plaintext":"*"})", R"({"KeyId":"x"})"}) {
    for (int i = 0; i < 3; ++i) http_.Push(200, body);
    EXPECT_EQ(Decrypt().status().code(), StatusCode::kUnavailable) << body;
  }
}

TEST_F(AwsClientTest, TruncatedAnswerIsAskedForAgain) {
  http_.Push(200, std::string(kGoodDecrypt).substr(0, 40));
  http_.Push(200, kGoodDecrypt);
  EXPECT_TRUE(Decrypt());
}

TEST_F(AwsClientTest, RotateKeyOnDemandIsNotSentTwiceAfterALostAnswer) {
  http_.PushError(Status(StatusCode::kUnavailable, "cut after the effect"));
  http_.Push(200, "{}");
  EXPECT_EQ(
      client()
          .RotateKeyOnDemand(kKeyId, Deadline::After(clock_, Millis(60000)))
          .code(),
      StatusCode::kUnavailable);
  ASSERT_EQ(http_.seen().size(), 1u);
  EXPECT_TRUE(http_.seen()[0].send_once);
}

TEST_F(AwsClientTest, WhatIsSentOnceIsRepeatedWhenItWasThrottled) {
  PushError(400, "ThrottlingException");
  PushError(500, "KMSInternalException");
  EXPECT_EQ(
      client()
          .RotateKeyOnDemand(kKeyId, Deadline::After(clock_, Millis(60000)))
          .code(),
      StatusCode::kUnavailable);
  EXPECT_EQ(http_.seen().size(), 2u) << "a fault may come after the effect";
}

TEST_F(AwsClientTest, AServiceThatIsDownUsesUpTheRetryQuota) {
  const auto requests_of_one_call = [&] {
    const size_t before = http_.seen().size();
    for (int i = 0; i < 3; ++i) PushError(500, "KMSInternalException");
    EXPECT_FALSE(Decrypt());
    const size_t sent = http_.seen().size() - before;
    for (size_t i = sent; i < 3; ++i) {
      (void)http_.Send(HttpRequest(), Millis(1));
    }
    return sent;
  };
  for (int i = 0; i < 50; ++i) EXPECT_EQ(requests_of_one_call(), 3u) << i;
  EXPECT_EQ(requests_of_one_call(), 1u) << "the quota is used up";
}

TEST_F(AwsClientTest, ASuccessGivesBackWhatItsRetryCost) {
  for (int i = 0; i < 150; ++i) {
    PushError(500, "KMSInternalException");
    http_.Push(200, kGoodDecrypt);
    ASSERT_TRUE(Decrypt()) << i;
  }
}

TEST_F(AwsClientTest, BadArgumentsAreNotSent) {
  const Deadline deadline = Deadline::After(clock_, Millis(1000));
  EXPECT_EQ(client().Wrap(Secret(4097), {}, deadline).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(client().Generate(1025, {}, deadline).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(
      client().DescribeKey(std::string(2049, 'a'), deadline).status().code(),
      StatusCode::kInvalidArgument);
  EXPECT_TRUE(http_.seen().empty());
}

TEST_F(AwsClientTest, OperationsOnKmsKeysReadTheirAnswers) {
  const Deadline deadline = Deadline::After(clock_, Millis(60000));
  http_.Push(200, R"({"KeyMetadata":{"Arn":"arn","KeyState":"Enabled",)"
                  R"("Enabled":true,"MultiRegion":true}})");
  const auto key = client().DescribeKey(kKeyId, deadline);
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->enabled && key->multi_region);
  http_.Push(200, "");
  EXPECT_TRUE(client().EnableKeyRotation(kKeyId, 0, deadline).ok());
}

TEST_F(AwsClientTest, NoSecretReachesTheLog) {
  PushError(400, "ThrottlingException");
  http_.Push(200, kGoodDecrypt);
  ASSERT_TRUE(Decrypt());
  EXPECT_THAT(log_.Text(), HasSubstr("AKID1"));
  EXPECT_THAT(log_.Text(), Not(HasSubstr("secret-of-the-test")));
  EXPECT_THAT(log_.Text(), Not(HasSubstr("a2V5LWJ5dGVz")));
}

TEST_F(AwsClientTest, StatisticsTellTheLastErrorAndSuccess) {
  PushError(400, "AccessDeniedException");
  EXPECT_FALSE(Decrypt());
  http_.Push(200, kGoodDecrypt);
  EXPECT_TRUE(Decrypt());
  const CallStatistics statistics = client().statistics();
  EXPECT_EQ(statistics.errors, 1u);
  EXPECT_THAT(statistics.last_error, HasSubstr("AccessDeniedException"));
  EXPECT_TRUE(statistics.last_error_time && statistics.last_success_time);
  EXPECT_EQ(statistics.endpoint, "https://kms.us-east-1.amazonaws.com/");
}

TEST_F(AwsClientTest, StatisticsTellWhatKmsSaysOfTheKey) {
  const auto state_after = [&](const std::string& code) {
    PushError(400, code);
    EXPECT_FALSE(Decrypt());
    return client().statistics().key_state;
  };
  EXPECT_EQ(client().statistics().key_state, std::nullopt);
  EXPECT_EQ(state_after("InvalidSignatureException"), std::nullopt);
  EXPECT_EQ(state_after("DisabledException"), WrappingKeyState::kDisabled);
  EXPECT_EQ(state_after("KMSInvalidStateException"),
            WrappingKeyState::kUnusable);
  EXPECT_EQ(state_after("NotFoundException"), WrappingKeyState::kMissing);
  EXPECT_EQ(state_after("AccessDeniedException"), WrappingKeyState::kDenied);
  EXPECT_EQ(state_after("ValidationException"), WrappingKeyState::kDenied)
      << "this one says nothing of the key";
  http_.Push(200, kGoodDecrypt);
  EXPECT_TRUE(Decrypt());
  EXPECT_EQ(client().statistics().key_state, WrappingKeyState::kUsable);
}

TEST_F(AwsClientTest, WhatNeedsNoUsableKeySaysNothingOfIt) {
  PushError(400, "AccessDeniedException");
  EXPECT_FALSE(
      client().DescribeKey("alias/db", Deadline::After(clock_, Millis(60000))));
  EXPECT_EQ(client().statistics().key_state, std::nullopt);
}

TEST_F(AwsClientTest, StatisticsCountThrottlingAndTheTimeOfRequests) {
  PushError(400, "ThrottlingException");
  PushError(400, "ThrottlingException");
  http_.Push(200, kGoodDecrypt);
  http_.OnSend([this] { clock_.Advance(Millis(7)); });
  EXPECT_TRUE(Decrypt());
  EXPECT_EQ(client().statistics().throttled, 2u);
  EXPECT_EQ(client().statistics().waited, Millis(21))
      << "without the pauses between them";
}

}  // namespace
}  // namespace openkeyring
