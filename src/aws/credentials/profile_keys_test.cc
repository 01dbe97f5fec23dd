// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_keys.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using Kind = ProfileFile::Kind;

class ProfileKeysTest : public ::testing::Test {
 protected:
  Result<Credentials> Fetch(Kind kind, const std::string& profile = "default") {
    return ProfileKeysSource(fake_.dependencies(), profile, kind)
        .Fetch(fake_.InAMinute());
  }
  FakeAwsDependencies fake_;
};

TEST_F(ProfileKeysTest, EachSourceReadsItsOwnFile) {
  fake_.SetCredentials(
      "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
      "aws_session_token=t\n");
  fake_.SetConfig("[default]\naws_access_key_id=B\naws_secret_access_key=u\n");
  const auto keys = Fetch(Kind::kCredentials);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->access_key_id, "A");
  EXPECT_EQ(keys->secret_access_key.RevealText(), "s");
  EXPECT_EQ(keys->session_token.RevealText(), "t");
  EXPECT_EQ(Fetch(Kind::kConfig)->access_key_id, "B");
}

TEST_F(ProfileKeysTest, TheTokensOldNameIsReadToo) {
  const std::string keys =
      "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
      "aws_security_token=old\n";
  fake_.SetCredentials(keys);
  EXPECT_EQ(Fetch(Kind::kCredentials)->session_token.RevealText(), "old");
  fake_.SetCredentials(keys + "aws_session_token=new\n");
  EXPECT_EQ(Fetch(Kind::kCredentials)->session_token.RevealText(), "new");
}

TEST_F(ProfileKeysTest, NoFileNoProfileAndNoKeysAreNotFound) {
  EXPECT_EQ(Fetch(Kind::kConfig).status().code(), StatusCode::kNotFound);
  fake_.SetConfig("[default]\nregion=r\n");
  EXPECT_EQ(Fetch(Kind::kConfig).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Fetch(Kind::kConfig, "x").status().code(), StatusCode::kNotFound);
}

TEST_F(ProfileKeysTest, HalfAKeyIsRefusedAndFileAndProfileNamed) {
  fake_.SetCredentials("[default]\naws_secret_access_key=hush\n");
  Status status = Fetch(Kind::kCredentials).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find(
                "profile default in /home/db/.aws/credentials has no "
                "aws_access_key_id"),
            std::string::npos);
  EXPECT_EQ(status.message().find("hush"), std::string::npos);
  fake_.SetCredentials("[default]\naws_access_key_id=A\n");
  status = Fetch(Kind::kCredentials).status();
  EXPECT_NE(status.message().find("aws_secret_access_key"), std::string::npos);
}

TEST_F(ProfileKeysTest, FilesAreReadAnewEachTime) {
  ProfileKeysSource source(fake_.dependencies(), "default", Kind::kCredentials);
  for (const char* id : {"A", "B"}) {
    fake_.SetCredentials(
        "[default]\naws_secret_access_key=s\n"
        "aws_access_key_id=" +
        std::string(id) + "\n");
    EXPECT_EQ(source.Fetch(fake_.InAMinute())->access_key_id, id);
  }
}

}  // namespace
}  // namespace openkeyring
