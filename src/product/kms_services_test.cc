// SPDX-License-Identifier: MIT
#include "product/kms_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fakes.h"
#include "testing/http_test_server.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kArn[] = "arn:aws:kms:eu-west-1:111122223333:key/k1";

AwsOptions Common() {
  AwsOptions common;
  common.region = "us-east-1";
  common.access_key_id = "AKID";
  common.secret_access_key = Secret::CopyOf(std::string_view("s"));
  common.max_attempts = 1;
  return common;
}

KmsKeyOptions Key(const std::string& key, const HttpTestServer& endpoint) {
  KmsKeyOptions options;
  options.key = key;
  options.endpoint_url = endpoint.Url();
  return options;
}

std::string Refuses(const std::string&) {
  return HttpAnswer(400, R"({"__type":"AccessDeniedException"})");
}
std::string Decrypts(const std::string&) {
  return HttpAnswer(200, R"({"KeyId":")" + std::string(kArn) +
                             R"(","Plaintext":"a2V5LWJ5dGVz"})");
}

class KmsServicesTest : public testing::Test {
 protected:
  std::unique_ptr<KmsServices> Make(const std::vector<KmsKeyOptions>& keys,
                                    const KmsServices* previous = nullptr) {
    Result<std::unique_ptr<KmsServices>> services =
        KmsServices::Make(keys, Common(), {}, previous, log_);
    EXPECT_TRUE(services) << services.status().ToString();
    return std::move(*services);
  }
  static Status Unwrap(KmsServices& services, size_t index) {
    return services.wrapper(index)
        .Unwrap({{'b'}, ""}, {}, Deadline::After(SystemClock(), Millis(20000)))
        .status();
  }

  HttpTestServer refusing_{Refuses}, decrypting_{Decrypts};
  MemoryLog log_;
};

TEST_F(KmsServicesTest, EachKeyHasItsOwnEndpointRegionAndName) {
  KmsKeyOptions alias = Key("alias/db", refusing_);
  alias.region = "ap-south-1";
  const auto services = Make({alias, Key(kArn, decrypting_)});
  ASSERT_EQ(services->size(), 2u);
  EXPECT_EQ(services->wrapper(0).CurrentKeyName(), "alias/db@ap-south-1");
  EXPECT_EQ(services->wrapper(1).CurrentKeyName(), kArn);
  EXPECT_FALSE(Unwrap(*services, 0).ok());
  EXPECT_TRUE(Unwrap(*services, 1).ok());
  EXPECT_THAT(refusing_.requests().at(0), HasSubstr("/ap-south-1/kms/"));
  EXPECT_THAT(decrypting_.requests().at(0), HasSubstr("/eu-west-1/kms/"));
}

TEST_F(KmsServicesTest, TheIdGoesToKmsAndNotTheName) {
  KmsKeyOptions alias = Key("alias/db", refusing_);
  alias.region = "ap-south-1";
  const auto services = Make({alias, Key(kArn, decrypting_)});
  EXPECT_FALSE(services->wrapper(0).Wrap(
      Secret(32), {}, Deadline::After(SystemClock(), Millis(20000))));
  EXPECT_THAT(refusing_.requests().at(0), HasSubstr(R"("KeyId":"alias/db")"));
}

// As before there were lists.
TEST_F(KmsServicesTest, TheRegionForAllBeatsTheArnOfAnOnlyKey) {
  AwsOptions common = Common();
  common.endpoint_url = decrypting_.Url();
  KmsKeyOptions key;
  key.key = kArn;
  const auto services = KmsServices::Make({key}, common, {}, nullptr, log_);
  ASSERT_TRUE(services);
  EXPECT_TRUE(Unwrap(**services, 0).ok());
  EXPECT_THAT(decrypting_.requests().at(0), HasSubstr("/us-east-1/kms/"));
}

TEST_F(KmsServicesTest, OneThatAnswersIsEnoughToBeReachable) {
  const auto services =
      Make({Key("alias/db", refusing_), Key(kArn, decrypting_)});
  EXPECT_FALSE(services->State().reachable);
  (void)Unwrap(*services, 0);
  KmsServicesState state = services->State();
  EXPECT_FALSE(state.reachable);
  EXPECT_THAT(state.last_error, HasSubstr("AccessDenied"));
  EXPECT_EQ(state.endpoint, refusing_.Url());
  EXPECT_TRUE(Unwrap(*services, 1).ok());
  (void)Unwrap(*services, 0);
  state = services->State();
  EXPECT_TRUE(state.reachable);
  EXPECT_EQ(state.endpoint, decrypting_.Url());
  EXPECT_EQ(state.credential_source, "options");
  EXPECT_TRUE(state.last_success && state.last_error_time);
}

TEST_F(KmsServicesTest, MetricsAreThoseOfAllKeys) {
  const auto services =
      Make({Key("alias/db", refusing_), Key(kArn, decrypting_)});
  (void)Unwrap(*services, 0);
  EXPECT_TRUE(Unwrap(*services, 1).ok());
  MetricValues values;
  services->AddMetrics(SystemClock().Now(), values);
  EXPECT_EQ(values.requests, 2);
  EXPECT_EQ(values.errors, 1);
  EXPECT_EQ(values.throttled, 0);
  EXPECT_EQ(values.key_server_reachable, 1);
  EXPECT_EQ(values.kms_key_state, 2) << "denied, by the first";
  EXPECT_EQ(values.credentials_expire, std::nullopt);
}

TEST_F(KmsServicesTest, CountsGoOnForTheSameKeyAndForAnOnlyKey) {
  const KmsKeyOptions key = Key(kArn, decrypting_);
  const auto first = Make({key});
  EXPECT_TRUE(Unwrap(*first, 0).ok());
  const auto second = Make({Key("alias/other", refusing_), key}, first.get());
  EXPECT_EQ(second->service(1).client().statistics().requests, 1u);
  EXPECT_EQ(second->service(0).client().statistics().requests, 0u);
  const auto only = Make({Key("alias/other", refusing_)}, first.get());
  EXPECT_EQ(only->service(0).client().statistics().requests, 1u);
}

TEST_F(KmsServicesTest, AProblemOfOneOfSeveralKeysNamesIt) {
  KmsKeyOptions wrong;
  wrong.key = "alias/db";
  wrong.region = "no region!";
  const auto services = KmsServices::Make({Key(kArn, decrypting_), wrong},
                                          Common(), {}, nullptr, log_);
  EXPECT_THAT(services.status().message(),
              HasSubstr("KMS key alias/db@no region!: "));
}

}  // namespace
}  // namespace openkeyring
