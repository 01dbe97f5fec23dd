// SPDX-License-Identifier: MIT
#include "aws/credentials/order.h"

#include <gtest/gtest.h>

#include "aws/credentials/credential_chain.h"
#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

// Everything that can give credentials does. Each gives its own name as the
// access key id, so that a test sees who won.
Result<HttpResponse> EverySource(const HttpRequest& request) {
  const auto json = [](const char* id) {
    return MakeResponse(200, std::string(R"({"Code":"Success",)") +
                                 R"("AccessKeyId":")" + id +
                                 R"(","SecretAccessKey":"s","Token":"t",)" +
                                 R"("Expiration":"2026-01-02T05:04:05Z"})");
  };
  const std::string& url = request.url;
  if (url.starts_with("http://169.254.170.2/")) return json("CONTAINER");
  if (url.ends_with("/api/token")) return MakeResponse(200, "TOKEN");
  if (url.ends_with("security-credentials/")) return MakeResponse(200, "role");
  if (url.ends_with("security-credentials/role")) return json("IMDS");
  const std::string body(request.body.RevealText());
  const size_t begin = body.find("%2F") + 3;
  const std::string role = body.substr(begin, body.find('&', begin) - begin);
  return MakeResponse(200, "<Credentials><AccessKeyId>" + role +
                               "</AccessKeyId><SecretAccessKey>s"
                               "</SecretAccessKey><SessionToken>t"
                               "</SessionToken><Expiration>"
                               "2026-01-02T05:04:05Z</Expiration>"
                               "</Credentials>");
}

class OrderTest : public ::testing::Test {
 protected:
  OrderTest() {
    fake_.environment.variables = {
        {"AWS_REGION", "eu-west-1"},
        {"AWS_ACCESS_KEY_ID", "ENVIRONMENT"},
        {"AWS_SECRET_ACCESS_KEY", "s"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
        {"AWS_ROLE_ARN", "arn:aws:iam::1:role/IRSA"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}};
    fake_.files.contents["/token"] = "jwt";
    fake_.processes.handler = [](const std::string&) {
      return Secret::CopyOf(std::string_view(
          R"({"Version":1,"AccessKeyId":"PROCESS","SecretAccessKey":"s"})"));
    };
    SetFiles("default", "[default]");
  }

  // A profile that can get credentials in all ways but one role.
  void SetFiles(const std::string& name, const std::string& title) {
    fake_.SetCredentials("[" + name +
                         "]\naws_access_key_id=CREDFILE\n"
                         "aws_secret_access_key=s\n");
    fake_.SetConfig(title +
                    "\naws_access_key_id=CONFFILE\naws_secret_access_key=s\n"
                    "credential_process = tool\n" +
                    role_keys_);
  }

  std::string Winner() {
    const auto settings =
        ResolveAwsSettings(options_, fake_.environment, fake_.files);
    EXPECT_TRUE(settings) << settings.status().message();
    RegionResolver region(fake_.dependencies(), *settings);
    const auto chain =
        MakeCredentialChain(fake_.dependencies(), options_, *settings, region);
    const auto keys = chain->Get(fake_.InAMinute());
    source_ = chain->SourceName();
    return keys ? (*keys)->access_key_id : keys.error().ToString();
  }
  void Unset(const char* name) { fake_.environment.variables.erase(name); }

  FakeAwsDependencies fake_{EverySource};
  AwsOptions options_;
  std::string role_keys_ =
      "role_arn = arn:aws:iam::1:role/ROLE\nsource_profile = b\n"
      "[profile b]\naws_access_key_id=B\naws_secret_access_key=s\n";
  std::string source_;
};

TEST_F(OrderTest, SourcesAreAskedInTheDocumentedOrder) {
  options_.access_key_id = "OPTIONS";
  options_.secret_access_key = TakeSecret("s");
  EXPECT_EQ(Winner(), "OPTIONS");
  EXPECT_EQ(source_, "options");
  options_ = {};
  EXPECT_EQ(Winner(), "ENVIRONMENT");
  EXPECT_EQ(source_, "environment");
  Unset("AWS_ACCESS_KEY_ID");
  Unset("AWS_SECRET_ACCESS_KEY");
  EXPECT_EQ(Winner(), "ROLE");
  EXPECT_EQ(source_, "profile default (assume role)");
  role_keys_ =
      "role_arn = arn:aws:iam::1:role/WEB\nweb_identity_token_file = /token\n";
  SetFiles("default", "[default]");
  EXPECT_EQ(Winner(), "WEB");
  role_keys_ = "";
  SetFiles("default", "[default]");
  EXPECT_EQ(Winner(), "IRSA");
  EXPECT_EQ(source_, "web identity");
  Unset("AWS_WEB_IDENTITY_TOKEN_FILE");
  EXPECT_EQ(Winner(), "CREDFILE");
  fake_.SetCredentials("");
  EXPECT_EQ(Winner(), "PROCESS");
  fake_.SetConfig(
      "[default]\naws_access_key_id=CONFFILE\n"
      "aws_secret_access_key=s\n");
  EXPECT_EQ(Winner(), "CONFFILE");
  fake_.SetConfig("");
  EXPECT_EQ(Winner(), "CONTAINER");
  Unset("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  EXPECT_EQ(Winner(), "IMDS");
  fake_.environment.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_NE(Winner().find("Misconfigured: no AWS credentials are configured"),
            std::string::npos);
  for (const char* name : {"options:", "environment:", "profile default (",
                           "web identity:", "container:", "imds:"}) {
    EXPECT_NE(Winner().find(name), std::string::npos) << name;
  }
}

TEST_F(OrderTest, AProfileNamedByOptionSwitchesEnvironmentIdentitiesOff) {
  role_keys_ = "";
  SetFiles("p", "[profile p]");
  options_.profile = "p";
  EXPECT_EQ(Winner(), "CREDFILE");
  options_.profile = "";
  fake_.environment.variables["AWS_PROFILE"] = "p";
  EXPECT_EQ(Winner(), "ENVIRONMENT");
}

TEST_F(OrderTest, ALoginProfileStopsTheChainBeforeTheMachinesIdentity) {
  Unset("AWS_ACCESS_KEY_ID");
  Unset("AWS_SECRET_ACCESS_KEY");
  Unset("AWS_WEB_IDENTITY_TOKEN_FILE");
  fake_.SetCredentials("");
  fake_.SetConfig("[default]\nsso_session = corp\n[sso-session corp]\n");
  EXPECT_NE(Winner().find("Misconfigured"), std::string::npos);
  EXPECT_NE(Winner().find("export-credentials"), std::string::npos);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(OrderTest, TheOptionsRoleIsTakenOnTop) {
  options_.role_arn = "arn:aws:iam::1:role/TOP";
  EXPECT_EQ(Winner(), "TOP");
  EXPECT_EQ(source_, "role arn:aws:iam::1:role/TOP");
  EXPECT_NE(
      fake_.http.seen()[0].HeaderOr("Authorization").find("=ENVIRONMENT/"),
      std::string::npos);
}

}  // namespace
}  // namespace openkeyring
