// SPDX-License-Identifier: MIT
#include "cli/redaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

TEST(ShownConfigurationTest, WhatIsNotKnownIsLeftOutOnEveryLevel) {
  const Json shown = ShownConfiguration(Json::parse(R"({
      "region": "eu-central-1",
      "max_attempts": 3,
      "external_id": "SECRET",
      "unknwon": {"region": "SECRET"},
      "kms_key": ["alias/a",
        {"key": "alias/b", "region": "eu-west-1", "external_id": "SECRET",
         "kye": "SECRET", "profile": ["SECRET"], "role_arn": {"x": "SECRET"}}],
      "path": {"x": "SECRET"}})"));
  EXPECT_THAT(shown.dump(), Not(HasSubstr("SECRET")));
  EXPECT_EQ(shown["region"], "eu-central-1");
  EXPECT_EQ(shown["max_attempts"], 3);
  EXPECT_EQ(shown["kms_key"][0], "alias/a");
  EXPECT_EQ(shown["kms_key"][1]["key"], "alias/b");
  EXPECT_EQ(shown["kms_key"][1]["region"], "eu-west-1");
  EXPECT_EQ(shown["kms_key"][1]["external_id"], "(left out)");
  EXPECT_EQ(shown["unknwon"], "(left out)");
}

TEST(ShownConfigurationTest, UserAndPasswordAreCutOutOfUrls) {
  const Json shown = ShownConfiguration(Json::parse(R"({
      "endpoint_url": "https://user:SEC/RET@kms.example:8443/x",
      "ca_bundle": "user:SECRET@host",
      "server": "https://kms.example/?token=SECRET",
      "standby_server": "kms.example/?token=SECRET",
      "server_addr": "https://u:SEC RET@kms.example/?token=SECRET",
      "local_unlock_file": "/run/credentials/mysqld@1.service/unlock",
      "kms_key": [{"key": "k", "endpoint_url": "http://SECRET@kms.example"}]
      })"));
  EXPECT_EQ(shown["endpoint_url"], "https://(left out)@kms.example:8443/x");
  EXPECT_EQ(shown["ca_bundle"], "(left out)");
  EXPECT_EQ(shown["server"], "https://kms.example/?(left out)");
  EXPECT_EQ(shown["standby_server"], "kms.example/?(left out)");
  EXPECT_EQ(shown["server_addr"], "https://(left out)@kms.example/?(left out)");
  EXPECT_EQ(shown["local_unlock_file"],
            "/run/credentials/mysqld@1.service/unlock");
  EXPECT_EQ(shown["kms_key"][0]["endpoint_url"],
            "http://(left out)@kms.example");
}

TEST(ShownVariablesTest, OnlyExactNamesHaveValues) {
  EXPECT_EQ(
      ShownVariables(
          {{"aws_key_management_region", "eu-central-1"},
           {"aws_key_management_secret_access_key", "SECRET"},
           {"aws_key_management_master_key_id",
            R"([{"key":"alias/a","external_id":"SECRET"},"alias/b"])"},
           {"datadir", "/var/lib/mysql"},
           {"innodb_encrypt_secret", "SECRET"},
           {"keyring_aws_region_", "SECRET"},
           {"password", "SECRET"}}),
      "aws_key_management_master_key_id = "
      "[{\"key\":\"alias/a\",\"external_id\":\"(left out)\"},\"alias/b\"]\n"
      "aws_key_management_region = eu-central-1\n"
      "aws_key_management_secret_access_key = (left out)\n"
      "datadir = /var/lib/mysql\n"
      "keyring_aws_region_ = (left out)\n");
}

TEST(ShownVariablesTest, AnAddressWithoutSchemeIsNotAPath) {
  EXPECT_EQ(ShownVariables({{"keyring_aws_endpoint_url", "//u:SECRET@h"},
                            {"keyring_aws_data_file", "/a@b/c"}}),
            "keyring_aws_data_file = /a@b/c\n"
            "keyring_aws_endpoint_url = (left out)\n");
}

TEST(ShownVariablesTest, AListThatCannotBeReadIsLeftOut) {
  EXPECT_EQ(ShownVariables({{"aws_key_management_master_key_id",
                             R"([{"external_id":"SECRET"})"}}),
            "aws_key_management_master_key_id = (left out)\n");
}

TEST(WithoutUserInformationTest, EveryUrlOfATextIsCut) {
  EXPECT_EQ(WithoutUserInformation(std::string(
                "a http://u:SECRET@h/x b https://h2 c://SEC@RET@d")),
            "a http://(left out)@d");
  EXPECT_EQ(WithoutUserInformation(
                std::string("a https://u:SECRET://SEC RET@h/x b https://h2")),
            "a https://(left out)@h/x b https://h2");
  EXPECT_EQ(WithoutUserInformation(std::string("k@eu://")), "k@eu://");
  // In messages about an option that is wrong.
  EXPECT_EQ(WithoutUserInformation(std::string(
                "not u:SECRET@h:1/x; no \"//u:SECRET@h\"\nhttp:/u:SECRET@h ")),
            "not (left out)@h:1/x; no (left out)@h\"\n(left out)@h ");
  EXPECT_EQ(WithoutUserInformation(std::string("key a of app@% @")),
            "key a of app@% @");
  EXPECT_EQ(WithoutUserInformation(std::string()), "");
  EXPECT_EQ(WithoutUserInformation(std::string(
                "no http://u:SEC RET@h/x and\nx https://SEC RET@h @ y\n")),
            "no http://(left out)@h/x and\nx https://(left out)@ y\n");
  EXPECT_EQ(WithoutUserInformation(std::string(
                "in https://h/x?SECRET=SECRET b? http://u:SECRET@h?SECRET c")),
            "in https://(left out)@h?(left out) c");
  EXPECT_EQ(WithoutUserInformation(
                std::string("u:SECRET@h https://h/x?SECRET=SECRET b? ")),
            "(left out)@h https://h/x?(left out) b? ");
  const Json json = {{"a", {{"text", "x http://SECRET@h"}}}, {"n", 1}};
  EXPECT_EQ(WithoutUserInformation(json).dump(),
            R"({"a":{"text":"x http://(left out)@h"},"n":1})");
}

}  // namespace
}  // namespace openkeyring
