// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/enterprise_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "product/component_keyring_kms/kms_component_config.h"
#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kTheirs[] = "component_keyring_aws.cnf";
constexpr char kOurs[] = "component_keyring_kms.cnf";

class EnterpriseOptions : public testing::Test {
 protected:
  void Write(const char* file, const std::string& text, mode_t mode = 0640) {
    ASSERT_EQ(chmod(directory_.Write(file, text).c_str(), mode), 0);
  }
  Result<KmsComponentConfig> Read() {
    return ReadKmsComponentConfig(PosixFileSystem(), log_,
                                  {directory_.path(), "/data"});
  }
  // A configuration as the manual shows it, with more members.
  Result<KmsComponentConfig> ReadWith(const std::string& more) {
    Write(kTheirs, R"({"cmk_id":"alias/k","data_file":"/keys","cache_keys":)"
                   R"("true","read_only":false)" +
                       (more.empty() ? "" : "," + more) + "}");
    return Read();
  }
  std::string ErrorWith(const std::string& more) {
    const Status status = ReadWith(more).status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << more;
    EXPECT_THAT(status.message(), HasSubstr(directory_.PathOf(kTheirs)));
    return status.message();
  }

  TemporaryDirectory directory_;
  MemoryLog log_;
};

TEST_F(EnterpriseOptions, OfModeSimpleAreUnderstood) {
  const auto config = ReadWith(
      R"("aws_authentication":{"mode":"simple","region":"eu-west-1",
      "access_key_id":"AKIDEXAMPLE","access_key_secret":"s3cret",
      "profile":"not-used"},
      "aws_connection":{"connect_timeout_ms":1500,"proxy":{"host":"proxy",
      "port":3128,"user":"u","password":"pw"}})");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->path, "/keys");
  EXPECT_EQ(config->slots.kms_keys[0].key, "alias/k");
  EXPECT_EQ(config->aws.region, "eu-west-1");
  EXPECT_EQ(config->aws.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(config->aws.secret_access_key.RevealText(), "s3cret");
  EXPECT_EQ(config->aws.profile, "");
  EXPECT_EQ(config->connect_timeout, Millis(1500));
  ASSERT_NE(config->aws.proxy, nullptr);
  EXPECT_EQ(config->aws.proxy->address, "proxy:3128");
  EXPECT_EQ(config->aws.proxy->user, "u");
  EXPECT_EQ(config->aws.proxy->password.RevealText(), "pw");
  EXPECT_EQ(config->aws.Clone().proxy, config->aws.proxy);
  EXPECT_TRUE(config->warnings.unknown_options.empty());
  EXPECT_EQ(log_.Text(), "");
}

TEST_F(EnterpriseOptions, OfModeNativeIgnoreKeysAndMayNameAProfile) {
  const auto config = ReadWith(
      R"("aws_authentication":{"mode":"native","profile":"p",
      "access_key_id":"AKIDEXAMPLE","access_key_secret":"s3cret"})");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->aws.profile, "p");
  EXPECT_EQ(config->aws.access_key_id, "");
  EXPECT_TRUE(config->aws.secret_access_key.empty());
  EXPECT_EQ(config->aws.proxy, nullptr);
  EXPECT_EQ(config->connect_timeout, Millis(2000));
  const auto plain =
      ReadWith(R"("aws_authentication":{"mode":"native","profile":"default"})");
  ASSERT_TRUE(plain) << plain.status().ToString();
  EXPECT_EQ(plain->aws.profile, "");
}

TEST_F(EnterpriseOptions, MayNameAProxyByAnIpv6Address) {
  const auto config =
      ReadWith(R"("aws_connection":{"proxy":{"host":"fd00::1","port":3128}})");
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->aws.proxy->address, "[fd00::1]:3128");
}

TEST_F(EnterpriseOptions, MayStandInOurFileToo) {
  Write(kOurs, R"({"cmk_id":"alias/k","data_file":"/keys",
      "aws_authentication":{"mode":"native"},"max_attempts":2})");
  const auto config = Read();
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->aws.max_attempts, 2);
}

TEST_F(EnterpriseOptions, AreNotReadFromTheirFileBesideOurs) {
  Write(kTheirs, R"({"cmk_id":"alias/theirs","data_file":"/theirs"})");
  Write(kOurs, R"({"kms_key":"alias/ours","path":"/ours"})");
  const auto config = Read();
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_EQ(config->path, "/ours");
}

TEST_F(EnterpriseOptions, ThatAreWrongAreNamedWithTheirObject) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("kms_key":"alias/x")",
       "cmk_id is another product's name for kms_key"},
      {R"("path":"/x")", "data_file is another product's name for path"},
      {R"("aws_authentication":{})", "aws_authentication.mode is missing"},
      {R"("aws_authentication":{"mode":"magic"})", "simple or native"},
      {R"("aws_authentication":{"mode":"simple","access_key_id":"x"})",
       "aws_authentication.mode simple requires access_key_id and"},
      {R"("aws_authentication":{"mode":"simple","access_key_secret":"x"})",
       "aws_authentication.mode simple requires access_key_id and"},
      {R"("aws_authentication":7)",
       "aws_authentication.access_key_secret must"},
      {R"("cache_keys":7)", "cache_keys must be true or false"},
      {R"("region":"eu-west-1","aws_authentication":{"mode":"native",
          "region":"eu-west-2"})",
       "region and aws_authentication are mutually exclusive"},
      {R"("connect_timeout_ms":5,"aws_connection":{"connect_timeout_ms":6})",
       "connect_timeout_ms and aws_connection are mutually exclusive"},
      {R"("aws_connection":{"proxy":{"host":"h"}})",
       "aws_connection.proxy.port is missing"},
      {R"("aws_connection":{"proxy":{"host":"h","port":0}})",
       "aws_connection.proxy.port must be a whole number from 1 to 65535"},
  };
  for (const auto& [more, text] : cases) {
    EXPECT_THAT(ErrorWith(more), HasSubstr(text)) << more;
  }
}

TEST_F(EnterpriseOptions, ThatAreUnknownAreWarnings) {
  const auto config = ReadWith(
      R"("aws_authentication":{"mode":"native","regoin":"x"},
      "aws_connection":{"proxy":{"host":"h","port":1,"pasword":"s3cret"}})");
  ASSERT_TRUE(config) << config.status().ToString();
  const std::string all = ToString(config->warnings);
  EXPECT_THAT(all, AllOf(HasSubstr("aws_authentication: there is no option "
                                   "regoin; did you mean region?"),
                         HasSubstr("aws_connection: proxy: there is no option "
                                   "pasword; did you mean password?")));
  EXPECT_EQ(all.find("s3cret"), std::string::npos);
}

TEST_F(EnterpriseOptions, WithASecretThatEverybodyMayReadAreAWarning) {
  Write(kTheirs,
        R"({"cmk_id":"alias/k","data_file":"/keys","aws_authentication":
        {"mode":"simple","access_key_id":"a","access_key_secret":"s3cret"}})",
        0644);
  const auto config = Read();
  ASSERT_TRUE(config) << config.status().ToString();
  EXPECT_THAT(ToString(config->warnings),
              HasSubstr("holds aws_authentication.access_key_secret and is "
                        "world-readable"));
}

}  // namespace
}  // namespace openkeyring
