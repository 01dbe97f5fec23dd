// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_role.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

// STS as a function: the key it gives is the role's last path segment, so that
// a test sees who called whom.
Result<HttpResponse> FakeSts(const HttpRequest& request) {
  if (request.url.find("//sts.") == std::string::npos) {
    return Status(StatusCode::kUnavailable, "not STS");
  }
  const std::string body(request.body.RevealText());
  const size_t begin = body.find("%2F") + 3;
  const std::string id = body.substr(begin, body.find('&', begin) - begin);
  return MakeResponse(200, "<Credentials><AccessKeyId>" + id +
                               "</AccessKeyId><SecretAccessKey>s"
                               "</SecretAccessKey><SessionToken>t"
                               "</SessionToken><Expiration>"
                               "2026-01-02T04:04:05Z</Expiration>"
                               "</Credentials>");
}

class ProfileRoleTest : public ::testing::Test {
 protected:
  ProfileRoleTest() {
    settings_.region = "eu-west-1";
    region_ = std::make_unique<RegionResolver>(fake_.dependencies(), settings_);
    sts_ =
        std::make_shared<StsClient>(fake_.dependencies(), settings_, *region_);
  }
  Result<Credentials> Fetch(const std::string& profile = "a") {
    return ProfileRoleSource(fake_.dependencies(), sts_, profile)
        .Fetch(fake_.InAMinute());
  }
  // "CALLER>ROLE CALLER>ROLE ..." of all signed requests to STS, or the error.
  std::string Calls() {
    const Result<Credentials> keys = Fetch();
    if (!keys) return keys.error().ToString();
    std::string calls;
    for (const auto& seen : fake_.http.seen()) {
      const std::string text = seen.HeaderOr("Authorization");
      if (text.empty()) continue;  // A web identity signs nothing.
      const size_t begin = text.find("Credential=") + 11;
      const size_t role = seen.body.find("%2F") + 3;
      if (!calls.empty()) calls += " ";
      calls += text.substr(begin, text.find('/', begin) - begin) + ">" +
               seen.body.substr(role, seen.body.find('&', role) - role);
    }
    return calls;
  }
  std::string Refusal() {
    const Status status = Fetch().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
    return status.message();
  }
  // Profile a takes role R by these other keys.
  void SetRole(const std::string& keys) {
    fake_.SetConfig("[profile a]\nrole_arn = arn:aws:iam::1:role/R\n" + keys);
  }

  FakeAwsDependencies fake_{FakeSts};
  AwsSettings settings_;
  std::unique_ptr<RegionResolver> region_;
  std::shared_ptr<StsClient> sts_;
};

TEST_F(ProfileRoleTest, TheSourceProfilesKeysTakeTheRole) {
  SetRole(
      "source_profile = b\nexternal_id = e x\nduration_seconds = 1200\n"
      "role_session_name = mine\n");
  fake_.SetCredentials("[b]\naws_access_key_id=B\naws_secret_access_key=s\n");
  EXPECT_EQ(Calls(), "B>R");
  const std::string body = fake_.http.seen()[0].body;
  EXPECT_NE(body.find("RoleSessionName=mine&DurationSeconds=1200&"
                      "ExternalId=e%20x"),
            std::string::npos);
}

TEST_F(ProfileRoleTest, RolesAreChainedThroughSourceProfiles) {
  SetRole(
      "source_profile = b\n"
      "[profile b]\nrole_arn = arn:aws:iam::1:role/Q\nsource_profile = c\n"
      "[profile c]\naws_access_key_id=C\naws_secret_access_key=s\n");
  EXPECT_EQ(Calls(), "C>Q Q>R");
}

TEST_F(ProfileRoleTest, AProfileMayBeItsOwnSourceWhenItHasKeys) {
  SetRole("source_profile = a\naws_access_key_id=A\naws_secret_access_key=s\n");
  EXPECT_EQ(Calls(), "A>R");
}

TEST_F(ProfileRoleTest, TheCredentialSourceIsNamedInAnyCase) {
  fake_.environment.variables = {{"AWS_ACCESS_KEY_ID", "E"},
                                 {"AWS_SECRET_ACCESS_KEY", "s"}};
  SetRole("credential_source = environment\n");
  EXPECT_EQ(Calls(), "E>R");
}

TEST_F(ProfileRoleTest, ACircleIsRefusedEvenWhereItsProfilesHaveKeys) {
  SetRole(
      "source_profile = b\naws_access_key_id=A\naws_secret_access_key=s\n"
      "[profile b]\nrole_arn = arn:aws:iam::1:role/Q\nsource_profile = a\n");
  EXPECT_NE(Refusal().find("circle"), std::string::npos);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(ProfileRoleTest, ASourceProfileIsReadInTheOrderOfAProfile) {
  const std::string keys = "aws_access_key_id=K\naws_secret_access_key=s\n";
  // Its role without keys of its own.
  const std::string chain =
      "source_profile = b\n[profile b]\nrole_arn = arn:aws:iam::1:role/Q\n"
      "source_profile = c\n";
  const std::string c =
      "[profile c]\naws_access_key_id=C\naws_secret_access_key=s\n";
  SetRole(chain + c);
  EXPECT_EQ(Calls(), "C>Q Q>R");
  // Its keys before its role, in either file.
  SetRole(chain + keys + c);
  EXPECT_TRUE(Calls().ends_with("R K>R")) << Calls();
  SetRole(chain + c);
  fake_.SetCredentials("[b]\naws_access_key_id=F\naws_secret_access_key=s\n");
  EXPECT_TRUE(Calls().ends_with("R F>R")) << Calls();
  fake_.SetCredentials("");
  // Half a key is not left out for the role.
  SetRole(chain + "aws_access_key_id=K\n" + c);
  EXPECT_NE(Refusal().find("aws_secret_access_key"), std::string::npos);
  // Its process before keys in the config file.
  fake_.processes.handler = [](const std::string&) {
    return Secret::CopyOf(std::string_view(
        R"({"Version":1,"AccessKeyId":"P","SecretAccessKey":"s"})"));
  };
  SetRole("source_profile = b\n[profile b]\ncredential_process = tool\n" +
          keys);
  EXPECT_TRUE(Calls().ends_with("P>R")) << Calls();
  // Keys in the credentials file before its process.
  fake_.SetCredentials("[b]\naws_access_key_id=F\naws_secret_access_key=s\n");
  EXPECT_TRUE(Calls().ends_with("F>R")) << Calls();
}

// One profile of the two assumes its own role with the keys, the other its role
// with the same keys.
TEST_F(ProfileRoleTest, AProfileThatIsItsOwnSourceServesOthersByItsKeys) {
  SetRole(
      "source_profile = b\n[profile b]\nrole_arn = arn:aws:iam::1:role/Q\n"
      "source_profile = b\naws_access_key_id=K\naws_secret_access_key=s\n");
  EXPECT_EQ(Calls(), "K>R");
}

TEST_F(ProfileRoleTest, ACircleOfSourceProfilesIsRefused) {
  SetRole(
      "source_profile = b\n"
      "[profile b]\nrole_arn = arn:aws:iam::1:role/Q\nsource_profile = a\n");
  EXPECT_NE(Refusal().find("circle"), std::string::npos);
  SetRole("source_profile = a\n");
  EXPECT_NE(Refusal().find("circle"), std::string::npos);
  EXPECT_TRUE(fake_.http.seen().empty());
}

TEST_F(ProfileRoleTest, ASourceProfileMayHaveAProcessOrAWebIdentity) {
  SetRole("source_profile = b\n[profile b]\ncredential_process = tool\n");
  fake_.processes.handler = [](const std::string&) {
    return Secret::CopyOf(std::string_view(
        R"({"Version":1,"AccessKeyId":"P","SecretAccessKey":"s"})"));
  };
  EXPECT_EQ(Calls(), "P>R");
  SetRole(
      "source_profile = b\n[profile b]\nrole_arn=arn:aws:iam::1:role/W\n"
      "web_identity_token_file = /token\n");
  fake_.files.contents["/token"] = "jwt";
  EXPECT_TRUE(Calls().ends_with("W>R")) << Calls();
}

TEST_F(ProfileRoleTest, CredentialSourceEnvironmentIsTheVariables) {
  SetRole("credential_source = Environment\n");
  EXPECT_NE(Refusal().find("AWS_ACCESS_KEY_ID is not set"), std::string::npos);
  fake_.environment.variables = {{"AWS_ACCESS_KEY_ID", "E"},
                                 {"AWS_SECRET_ACCESS_KEY", "s"}};
  EXPECT_EQ(Calls(), "E>R");
}

TEST_F(ProfileRoleTest, CredentialSourcesInstanceAndContainerAreAsked) {
  SetRole("credential_source = Ec2InstanceMetadata\n");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(fake_.http.seen().back().url,
            "http://169.254.169.254/latest/api/token");
  fake_.environment.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_NE(Refusal().find("AWS_EC2_METADATA_DISABLED"), std::string::npos);
  SetRole("credential_source = EcsContainer\n");
  EXPECT_NE(Refusal().find("has no credentials"), std::string::npos);
  fake_.environment.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  EXPECT_EQ(Fetch().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(fake_.http.seen().back().url, "http://169.254.170.2/x");
}

TEST_F(ProfileRoleTest, WhatCannotBeRightIsRefusedAndExplained) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "source_profile"},
      {"source_profile = b\ncredential_source = Environment\n", "either"},
      {"source_profile = b\n", "there is no source_profile b"},
      {"source_profile = b\n[profile b]\nregion = r\n", "has no credentials"},
      {"source_profile = b\n[profile b]\nsso_session = s\n", "log in"},
      {"source_profile = b\n[profile b]\naws_access_key_id = B\n",
       "aws_secret_access_key"},
      {"credential_source = Moon\n", "\"Moon\""},
      {"credential_source = Environment\nmfa_serial = m\n", "mfa_serial"},
      {"credential_source = Environment\nduration_seconds = 1\n",
       "duration_seconds"}};
  for (const auto& [keys, text] : cases) {
    SetRole(keys);
    EXPECT_NE(Refusal().find(text), std::string::npos) << keys;
  }
}

TEST_F(ProfileRoleTest, AProfileWithoutARoleIsNotFound) {
  fake_.SetConfig("[profile a]\nregion = r\n");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Fetch("default").status().code(), StatusCode::kNotFound);
  SetRole("web_identity_token_file = /token\n");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kNotFound);
}

TEST_F(ProfileRoleTest, ANamedProfileThatVanishedIsNotFallenThrough) {
  EXPECT_NE(Refusal().find("neither"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
