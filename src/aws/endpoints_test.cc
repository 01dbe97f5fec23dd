// SPDX-License-Identifier: MIT
#include "aws/endpoints.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

TEST(Endpoints, EveryPartitionHasItsOwnNames) {
  const auto kms = [](std::string_view region) {
    return ServiceEndpoint("kms", region, false, false);
  };
  EXPECT_EQ(kms("eu-west-1"), "https://kms.eu-west-1.amazonaws.com");
  EXPECT_EQ(kms("cn-north-1"), "https://kms.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(kms("us-gov-west-1"), "https://kms.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(kms("eusc-de-east-1"), "https://kms.eusc-de-east-1.amazonaws.eu");
  EXPECT_EQ(kms("us-iso-east-1"), "https://kms.us-iso-east-1.c2s.ic.gov");
  EXPECT_EQ(kms("us-isob-east-1"), "https://kms.us-isob-east-1.sc2s.sgov.gov");
  EXPECT_EQ(kms("eu-isoe-west-1"), "https://kms.eu-isoe-west-1.cloud.adc-e.uk");
  EXPECT_EQ(kms("us-isof-south-1"),
            "https://kms.us-isof-south-1.csp.hci.ic.gov");
}

TEST(Endpoints, FipsAndDualStackChangeHostAndSuffix) {
  EXPECT_EQ(ServiceEndpoint("kms", "us-east-1", true, false),
            "https://kms-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(ServiceEndpoint("kms", "us-east-1", false, true),
            "https://kms.us-east-1.api.aws");
  EXPECT_EQ(ServiceEndpoint("kms", "us-east-1", true, true),
            "https://kms-fips.us-east-1.api.aws");
  EXPECT_EQ(ServiceEndpoint("kms", "cn-northwest-1", false, true),
            "https://kms.cn-northwest-1.api.amazonwebservices.com.cn");
  EXPECT_EQ(ServiceEndpoint("sts", "us-east-2", true, false),
            "https://sts-fips.us-east-2.amazonaws.com");
}

TEST(Endpoints, StsOfGovCloudIsFipsUnderItsPlainName) {
  EXPECT_EQ(ServiceEndpoint("sts", "us-gov-east-1", true, false),
            "https://sts.us-gov-east-1.amazonaws.com");
  EXPECT_EQ(ServiceEndpoint("kms", "us-gov-east-1", true, false),
            "https://kms-fips.us-gov-east-1.amazonaws.com");
  EXPECT_EQ(ServiceEndpoint("sts", "us-gov-east-1", true, true),
            "https://sts-fips.us-gov-east-1.api.aws");
}

TEST(Endpoints, ARegionOfNoKnownPatternBelongsToAws) {
  EXPECT_EQ(PartitionOfRegion("xx-moon-1").name, "aws");
  EXPECT_EQ(PartitionOfRegion("us-gov-west-1").name, "aws-us-gov");
  EXPECT_EQ(PartitionOfRegion("us-isob-west-1").name, "aws-iso-b");
}

TEST(Endpoints, OnlyHostNameLabelsArePlausibleRegions) {
  EXPECT_TRUE(IsPlausibleRegion("eu-central-1"));
  EXPECT_TRUE(IsPlausibleRegion("local"));
  for (const char* region :
       {"", "-a", "a-", "EU-west-1", "eu west", "a.b", "a/b", "a@b", "a\nb"}) {
    EXPECT_FALSE(IsPlausibleRegion(region)) << region;
  }
  EXPECT_TRUE(IsPlausibleRegion(std::string(63, 'a')));
  EXPECT_FALSE(IsPlausibleRegion(std::string(64, 'a')));
}

}  // namespace
}  // namespace openkeyring
