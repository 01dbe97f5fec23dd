// SPDX-License-Identifier: MIT
#include "aws/settings.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

class SettingsTest : public ::testing::Test {
 protected:
  Result<AwsSettings> Resolve() {
    return ResolveAwsSettings(options_, fake_.environment, fake_.files);
  }
  AwsSettings Resolved() {
    Result<AwsSettings> settings = Resolve();
    EXPECT_TRUE(settings) << settings.status().message();
    return settings ? *settings : AwsSettings();
  }
  // The message of the error, which must be kMisconfigured.
  std::string Refusal() {
    const Status status = Resolve().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    return status.message();
  }
  std::string& Variable(const char* name) {
    return fake_.environment.variables[name];
  }

  FakeAwsDependencies fake_;
  AwsOptions options_;
};

TEST_F(SettingsTest, NothingSaidGivesTheDefaults) {
  const AwsSettings settings = Resolved();
  EXPECT_EQ(settings.profile, "default");
  EXPECT_EQ(settings.region, "");
  EXPECT_EQ(settings.kms_endpoint_url, "");
  EXPECT_EQ(settings.max_attempts, 3);
  EXPECT_FALSE(settings.use_fips_endpoint || settings.use_dualstack_endpoint);
}

TEST_F(SettingsTest, RegionComesFromOptionThenEnvironmentThenProfile) {
  fake_.SetConfig("[default]\nregion = eu-west-4\n");
  EXPECT_EQ(Resolved().region, "eu-west-4");
  EXPECT_EQ(Resolved().region_origin,
            "region of profile default in /home/db/.aws/config");
  Variable("AWS_DEFAULT_REGION") = "eu-west-3";
  EXPECT_EQ(Resolved().region, "eu-west-3");
  Variable("AWS_REGION") = "eu-west-2";
  EXPECT_EQ(Resolved().region, "eu-west-2");
  EXPECT_EQ(Resolved().region_origin, "AWS_REGION");
  options_.region = "eu-west-1";
  EXPECT_EQ(Resolved().region, "eu-west-1");
  EXPECT_EQ(Resolved().region_origin, "option");
}

TEST_F(SettingsTest, ARegionThatIsNoHostNameIsRefusedAndItsOriginNamed) {
  Variable("AWS_REGION") = "evil.example/";
  EXPECT_NE(Refusal().find("AWS_REGION"), std::string::npos);
}

TEST_F(SettingsTest, WhatIsNotARegionAlthoughItLooksLikeOneIsRefusedByItsKind) {
  const std::pair<const char*, const char*> cases[] = {
      {"aws-global", "global"},   {"aws-us-gov-global", "global"},
      {"fips-us-east-1", "FIPS"}, {"us-gov-west-1-fips", "FIPS"},
      {"eu-west-1a", "zone"},     {"us-west-2-lax-1a", "zone"}};
  for (const auto& [region, kind] : cases) {
    Variable("AWS_REGION") = region;
    const std::string refusal = Refusal();
    EXPECT_NE(refusal.find(kind), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("AWS_REGION"), std::string::npos) << refusal;
  }
}

TEST_F(SettingsTest, ANamedProfileMustExist) {
  Variable("AWS_PROFILE") = "prod";
  EXPECT_NE(Refusal().find("prod"), std::string::npos);
  fake_.SetCredentials("[prod]\n");
  EXPECT_EQ(Resolved().profile, "prod");
  options_.profile = "other";
  EXPECT_NE(Refusal().find("other"), std::string::npos);
}

TEST_F(SettingsTest, AHomeThatMayNotBeReadIsAWarningUnlessAProfileWasNamed) {
  fake_.files.errors["/home/db/.aws/config"] = {StatusCode::kDenied, "denied"};
  const AwsSettings settings = Resolved();
  ASSERT_EQ(settings.warnings.size(), 1u);
  EXPECT_NE(settings.warnings[0].find("/home/db/.aws/config"),
            std::string::npos);
  Variable("AWS_PROFILE") = "prod";
  EXPECT_NE(Refusal().find("/home/db/.aws/config: denied"), std::string::npos);
}

TEST_F(SettingsTest, DefaultNamedByNameNeedsNoFile) {
  Variable("AWS_PROFILE") = "default";
  EXPECT_EQ(Resolved().profile, "default");
}

TEST_F(SettingsTest, EndpointsComeFromTheMostSpecificSource) {
  fake_.SetConfig(
      "[default]\nendpoint_url = https://profile\nservices = s\n"
      "[services s]\nkms =\n  endpoint_url = https://services-kms\n");
  EXPECT_EQ(Resolved().kms_endpoint_url, "https://services-kms");
  EXPECT_EQ(Resolved().sts_endpoint_url, "https://profile");
  Variable("AWS_ENDPOINT_URL") = "https://global";
  EXPECT_EQ(Resolved().kms_endpoint_url, "https://global");
  EXPECT_EQ(Resolved().sts_endpoint_url, "https://global");
  Variable("AWS_ENDPOINT_URL_KMS") = "https://env-kms";
  Variable("AWS_ENDPOINT_URL_STS") = "https://env-sts";
  EXPECT_EQ(Resolved().kms_endpoint_url, "https://env-kms");
  EXPECT_EQ(Resolved().sts_endpoint_url, "https://env-sts");
  options_.endpoint_url = "https://kms.example:8080";
  EXPECT_EQ(Resolved().kms_endpoint_url, "https://kms.example:8080");
  EXPECT_EQ(Resolved().sts_endpoint_url, "https://env-sts");
}

// Not a call to the public endpoint where a private one was meant.
TEST_F(SettingsTest, AServicesSectionThatIsNamedMustExist) {
  fake_.SetConfig(
      "[default]\nendpoint_url = https://profile\nservices = vpce\n"
      "[services vcpe]\nkms =\n  endpoint_url = https://services-kms\n");
  const std::string refusal = Refusal();
  EXPECT_NE(refusal.find("[services vpce]"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("profile default in /home/db/.aws/config"),
            std::string::npos)
      << refusal;
  // What beats it is asked first.
  Variable("AWS_ENDPOINT_URL") = "https://global";
  EXPECT_EQ(Resolved().kms_endpoint_url, "https://global");
  fake_.environment.variables.clear();
  Variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") = "true";
  EXPECT_EQ(Resolved().kms_endpoint_url, "");
}

TEST_F(SettingsTest, IgnoringConfiguredEndpointsLeavesTheOption) {
  Variable("AWS_ENDPOINT_URL") = "https://global";
  Variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") = "true";
  EXPECT_EQ(Resolved().kms_endpoint_url, "");
  options_.endpoint_url = "https://option";
  EXPECT_EQ(Resolved().kms_endpoint_url, "https://option");
  fake_.environment.variables.erase("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
  fake_.SetConfig("[default]\nignore_configured_endpoint_urls = true\n");
  EXPECT_EQ(Resolved().sts_endpoint_url, "");
}

TEST_F(SettingsTest, BadEndpointsAreRefusedAndTheirOriginNamed) {
  for (const char* url : {"kms.example", "ftp://x", "https://", "https://a b",
                          "https://u:p@h", "https://h/?x=y"}) {
    Variable("AWS_ENDPOINT_URL_KMS") = url;
    EXPECT_NE(Refusal().find("AWS_ENDPOINT_URL_KMS"), std::string::npos) << url;
  }
}

TEST_F(SettingsTest, PlainHttpLeavesTheMachineOnlyByItsOwnOption) {
  for (const char* url : {"http://127.0.0.1:8080", "http://localhost",
                          "http://[::1]:1", "https://kms.example"}) {
    options_.endpoint_url = url;
    EXPECT_TRUE(Resolved().warnings.empty()) << url;
  }
  options_.endpoint_url = "http://kms.example:8080";
  EXPECT_NE(Refusal().find("allow_unencrypted_endpoint"), std::string::npos);
  options_.endpoint_url = "";
  Variable("AWS_ENDPOINT_URL_STS") = "http://10.0.0.1";
  EXPECT_NE(Refusal().find("AWS_ENDPOINT_URL_STS"), std::string::npos);
  options_.allow_unencrypted_endpoint = true;
  ASSERT_EQ(Resolved().warnings.size(), 1u);
  EXPECT_NE(Resolved().warnings[0].find("http://10.0.0.1/"), std::string::npos);
  EXPECT_TRUE(Resolved().allow_unencrypted_endpoint);
}

TEST_F(SettingsTest, AnExplicitEndpointExcludesFipsAndDualStack) {
  options_.endpoint_url = "https://vpce-1.kms.eu-west-1.vpce.amazonaws.com";
  Variable("AWS_USE_FIPS_ENDPOINT") = "true";
  EXPECT_NE(Refusal().find("FIPS"), std::string::npos);
  options_.use_fips_endpoint = false;
  EXPECT_FALSE(Resolved().use_fips_endpoint);
  options_.use_dualstack_endpoint = true;
  Refusal();
}

TEST_F(SettingsTest, SwitchesComeFromOptionThenEnvironmentThenProfile) {
  fake_.SetConfig(
      "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = TRUE\n");
  EXPECT_TRUE(Resolved().use_fips_endpoint);
  EXPECT_TRUE(Resolved().use_dualstack_endpoint);
  Variable("AWS_USE_FIPS_ENDPOINT") = "false";
  Variable("AWS_USE_DUALSTACK_ENDPOINT") = "false";
  EXPECT_FALSE(Resolved().use_fips_endpoint);
  EXPECT_FALSE(Resolved().use_dualstack_endpoint);
  options_.use_fips_endpoint = true;
  EXPECT_TRUE(Resolved().use_fips_endpoint);
}

TEST_F(SettingsTest, ASwitchThatIsNoBooleanIsRefusedAndItsOriginNamed) {
  for (const char* name :
       {"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}) {
    Variable(name) = "yes";
    EXPECT_NE(Refusal().find(name), std::string::npos);
    fake_.environment.variables.erase(name);
  }
}

TEST_F(SettingsTest, AttemptsComeFromOptionThenEnvironmentThenProfile) {
  fake_.SetConfig("[default]\nmax_attempts = 7\n");
  EXPECT_EQ(Resolved().max_attempts, 7);
  Variable("AWS_MAX_ATTEMPTS") = "6";
  EXPECT_EQ(Resolved().max_attempts, 6);
  options_.max_attempts = 5;
  EXPECT_EQ(Resolved().max_attempts, 5);
  options_.max_attempts = 0;
  Refusal();
  options_.max_attempts.reset();
  Variable("AWS_MAX_ATTEMPTS") = "many";
  EXPECT_NE(Refusal().find("AWS_MAX_ATTEMPTS"), std::string::npos);
}

TEST_F(SettingsTest, TheCaBundleComesFromOptionThenEnvironmentThenProfile) {
  fake_.SetConfig("[default]\nca_bundle = /c\n");
  EXPECT_EQ(Resolved().ca_bundle, "/c");
  Variable("AWS_CA_BUNDLE") = "/b";
  EXPECT_EQ(Resolved().ca_bundle, "/b");
  options_.ca_bundle = "/a";
  EXPECT_EQ(Resolved().ca_bundle, "/a");
}

TEST_F(SettingsTest, AFileThatCannotBeParsedIsRefused) {
  fake_.SetConfig("what is this\n");
  EXPECT_NE(Refusal().find("/home/db/.aws/config, line 1"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
