// SPDX-License-Identifier: MIT
#include "aws/profile_file.h"

#include <gtest/gtest.h>

#include "aws/shared_files.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

using Kind = ProfileFile::Kind;

Result<ProfileFile> Parse(std::string_view text, Kind kind = Kind::kConfig) {
  return ProfileFile::Parse(Secret::CopyOf(text), kind, "/f");
}

// The region of a profile in a config file; "none" without the profile.
std::string RegionOf(std::string_view text, const std::string& profile) {
  const Result<ProfileFile> file = Parse(text);
  if (!file) return "error " + file.error().message();
  const ProfileSection* section = file->FindProfile(profile);
  return section == nullptr ? "none" : section->Value("region");
}

TEST(ProfileFile, ConfigNamesProfilesWithAPrefixAndDefaultWithout) {
  const char* text =
      "[default]\nregion=a\n[profile x]\nregion=b\n[y]\nregion=c";
  EXPECT_EQ(RegionOf(text, "default"), "a");
  EXPECT_EQ(RegionOf(text, "x"), "b");
  EXPECT_EQ(RegionOf(text, "y"), "none");
}

TEST(ProfileFile, ProfileDefaultBeatsDefault) {
  EXPECT_EQ(
      RegionOf("[profile default]\nregion=a\n[default]\nregion=b", "default"),
      "a");
  EXPECT_EQ(RegionOf("[default]\nregion=b\n[profile default]\n", "default"),
            "");
}

TEST(ProfileFile, CredentialsNamesProfilesWithoutAPrefix) {
  const auto file = Parse("[x]\naws_access_key_id = A\n[profile y]\nregion=r\n",
                          Kind::kCredentials);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->FindProfile("x")->Value("aws_access_key_id"), "A");
  EXPECT_EQ(file->FindProfile("y"), nullptr);
}

TEST(ProfileFile, SecretValuesAreHeldAsSecretsOnly) {
  const auto file = Parse(
      "[default]\naws_secret_access_key = hush/+=\nAWS_SESSION_TOKEN=tok==\n"
      "my_password = hidden\n");
  ASSERT_TRUE(file);
  const ProfileSection* section = file->FindProfile("default");
  EXPECT_EQ(section->secret_access_key.RevealText(), "hush/+=");
  EXPECT_EQ(section->session_token.RevealText(), "tok==");
  EXPECT_TRUE(section->values.empty());
}

TEST(ProfileFile, BlanksCommentsCrLfAndByteOrderMarkDoNotMatter) {
  const char* text =
      "\xef\xbb\xbf# comment\r\n; comment\r\n\r\n"
      " \t[ profile \t x ] ; comment\r\n  Region\t=  eu-west-1  # comment\r\n";
  EXPECT_EQ(RegionOf(text, "x"), "eu-west-1");
  EXPECT_EQ(RegionOf("[profile \"a b\"]\nregion=r", "a b"), "r");
  EXPECT_EQ(RegionOf("[profile x]\nregion = a#b", "x"), "a#b");
  EXPECT_EQ(RegionOf("[profile x]\nregion = a=b", "x"), "a=b");
  EXPECT_EQ(RegionOf("[profile x]\nregion = # none", "x"), "");
}

TEST(ProfileFile, ALineThatContinuesAValueBelongsToIt) {
  const auto file = Parse(
      "[profile x]\ncredential_process = tool\n   --more # x\n\t--yet\n"
      "region = a\naws_secret_access_key = one\n two\n");
  ASSERT_TRUE(file) << file.error().message();
  const ProfileSection* section = file->FindProfile("x");
  EXPECT_EQ(section->Value("credential_process"), "tool\n--more # x\n--yet");
  EXPECT_EQ(section->Value("region"), "a");
  EXPECT_EQ(section->secret_access_key.RevealText(), "one\ntwo");
}

TEST(ProfileFile, AColonSeparatesKeyAndValueToo) {
  EXPECT_EQ(RegionOf("[profile x]\nregion: eu-west-1\n", "x"), "eu-west-1");
  EXPECT_EQ(RegionOf("[profile x]\nregion: a=b\n", "x"), "a=b");
  EXPECT_EQ(RegionOf("[profile x]\nregion = a:b\n", "x"), "a:b");
}

TEST(ProfileFile, RepeatedSectionsAreOneAndTheLastValueCounts) {
  const char* text =
      "[profile x]\nregion=a\nca_bundle=p\n[profile x]\nregion=b\n";
  const auto file = Parse(text);
  EXPECT_EQ(file->FindProfile("x")->Value("region"), "b");
  EXPECT_EQ(file->FindProfile("x")->Value("ca_bundle"), "p");
}

TEST(ProfileFile, NestedValuesBelongToTheirProperty) {
  const auto file = Parse(
      "[services s]\nkms =\n  endpoint_url = https://k\n  x = y\nsts = \n"
      "\tendpoint_url = https://t\n[profile x]\ns3 =\n  region = inner\n"
      "region = outer\n");
  ASSERT_TRUE(file) << file.error().message();
  const auto& nested = file->FindServices("s")->nested;
  EXPECT_EQ(nested.at("kms").at("endpoint_url"), "https://k");
  EXPECT_EQ(nested.at("sts").at("endpoint_url"), "https://t");
  EXPECT_EQ(file->FindProfile("x")->Value("region"), "outer");
}

TEST(ProfileFile, ASectionIndentedAsAWholeIsRead) {
  EXPECT_EQ(RegionOf("[profile x]\n  ca_bundle = p\n  region = r\n", "x"), "r");
}

TEST(ProfileFile, OtherSectionsAreSkipped) {
  EXPECT_EQ(RegionOf("[sso-session s]\nregion=a\n[plugins]\nx=y\n[profile x]\n"
                     "region=b\n",
                     "x"),
            "b");
}

TEST(ProfileFile, BadLinesAreNamedByNumberAndNeverQuoted) {
  const std::pair<const char*, const char*> cases[] = {
      {"hush = x\n", "/f, line 1: a line before the first [section]"},
      {"[default]\n\nhush\n", "/f, line 3: neither a [section] nor KEY"},
      {"[default]\n= hush\n", "/f, line 2: neither"},
      {"[default\nhush=x\n", "/f, line 1: a [ without a ]"},
      {"[default] hush\n", "/f, line 1: text after the ]"},
      {"[default]\ns3 =\n  hush\n", "/f, line 3: an indented line"},
  };
  for (const auto& [text, message] : cases) {
    const Status status = Parse(text).status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_EQ(status.message().find(message), 0u) << status.message();
    EXPECT_EQ(status.message().find("hush"), std::string::npos);
  }
}

TEST(ProfileFile, AnyBytesAreParsedOrRefusedWithoutACrash) {
  const std::string base =
      "[profile x]\nregion = r # c\n s3 =\n   a = b\n[services s]\nkms=\n x=y";
  for (size_t at = 0; at < base.size(); ++at) {
    for (const char c : {'\0', '\n', '[', ']', '=', ' ', '#', '\xff'}) {
      std::string text = base;
      text[at] = c;
      (void)Parse(text).status();
      (void)Parse(text.substr(0, at)).status();
    }
  }
}

TEST(SharedFiles, MissingFilesAreEmptyOnes) {
  FakeAwsDependencies fake;
  EXPECT_TRUE(ReadSharedFiles(fake.environment, fake.files));
  fake.environment.home.reset();
  const auto files = ReadSharedFiles(fake.environment, fake.files);
  ASSERT_TRUE(files);
  EXPECT_FALSE(files->HasProfile("default"));
}

TEST(SharedFiles, VariablesNameOtherPlaces) {
  FakeAwsDependencies fake;
  fake.environment.variables = {{"AWS_CONFIG_FILE", "~/c"},
                                {"AWS_SHARED_CREDENTIALS_FILE", "/etc/k"}};
  fake.files.contents = {{"/home/db/c", "[default]\nregion=r\n"},
                         {"/etc/k", "[default]\naws_access_key_id=A\n"}};
  const auto files = ReadSharedFiles(fake.environment, fake.files);
  EXPECT_EQ(files->Value("default", "region"), "r");
  EXPECT_EQ(files->Value("default", "aws_access_key_id"), "A");
}

TEST(SharedFiles, DevNullIsAnEmptyFile) {
  FakeAwsDependencies fake;
  fake.environment.variables["AWS_CONFIG_FILE"] = "/dev/null";
  fake.files.errors["/dev/null"] = {StatusCode::kInvalidArgument, "device"};
  EXPECT_TRUE(ReadSharedFiles(fake.environment, fake.files));
}

TEST(SharedFiles, TheCredentialsFileCountsFirstAndOriginSaysSo) {
  FakeAwsDependencies fake;
  fake.SetConfig("[default]\nregion=a\nca_bundle=x\n");
  fake.SetCredentials("[default]\nregion=b\n");
  const auto files = ReadSharedFiles(fake.environment, fake.files);
  EXPECT_EQ(files->Value("default", "region"), "b");
  EXPECT_EQ(files->Origin("default", "region"),
            "profile default in /home/db/.aws/credentials");
  EXPECT_EQ(files->Origin("default", "ca_bundle"),
            "profile default in /home/db/.aws/config");
}

TEST(SharedFiles, AFileThatWasNamedAndMayNotBeReadIsMisconfigured) {
  FakeAwsDependencies fake;
  const std::string path = "/etc/aws/credentials";
  fake.environment.variables["AWS_SHARED_CREDENTIALS_FILE"] = path;
  fake.files.errors[path] = {StatusCode::kDenied, "Permission denied"};
  Status status = ReadSharedFiles(fake.environment, fake.files).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find(path), std::string::npos);
  fake.files.errors[path] = {StatusCode::kUnavailable, "I/O error"};
  status = ReadSharedFiles(fake.environment, fake.files).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
}

TEST(SharedFiles, FilesOfTheHomeDirectoryThatMayNotBeReadAreLeftOut) {
  FakeAwsDependencies fake;
  const Status denied(StatusCode::kDenied, "Permission denied");
  fake.SetConfig("[default]\nregion=a\n");
  fake.files.errors["/home/db/.aws/credentials"] = denied;
  auto files = ReadSharedFiles(fake.environment, fake.files);
  ASSERT_TRUE(files) << files.error().message();
  EXPECT_EQ(files->Value("default", "region"), "a");
  EXPECT_NE(files->Unreadable().find("/home/db/.aws/credentials"),
            std::string::npos);
  fake.files.errors["/home/db/.aws/config"] = denied;
  files = ReadSharedFiles(fake.environment, fake.files);
  ASSERT_TRUE(files);
  EXPECT_FALSE(files->HasProfile("default"));
  EXPECT_NE(files->Unreadable().find("/home/db/.aws/config"),
            std::string::npos);
  fake.files.errors["/home/db/.aws/config"] = {StatusCode::kUnavailable, "EIO"};
  EXPECT_FALSE(ReadSharedFiles(fake.environment, fake.files));
}

TEST(SharedFiles, TheProfileIsNamedByOptionThenVariables) {
  FakeEnvironment environment;
  EXPECT_EQ(NamedProfile("", environment), std::nullopt);
  environment.variables["AWS_DEFAULT_PROFILE"] = "c";
  EXPECT_EQ(NamedProfile("", environment), "c");
  environment.variables["AWS_PROFILE"] = "b";
  EXPECT_EQ(NamedProfile("", environment), "b");
  EXPECT_EQ(NamedProfile("a", environment), "a");
}

}  // namespace
}  // namespace openkeyring
