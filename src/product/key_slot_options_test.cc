// SPDX-License-Identifier: MIT
#include "product/key_slot_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "os/process.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kArn[] = "arn:aws:kms:eu-west-1:111122223333:key/k1";
constexpr char kArn2[] = "arn:aws:kms:eu-central-1:111122223333:key/k2";
constexpr char kMultiRegion[] =
    "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";

JsonOptions Options(const std::string& text) {
  Secret secret = Secret::CopyOf(text);
  Result<JsonOptions> options = JsonOptions::Parse(secret, "/x.cnf", {});
  EXPECT_TRUE(options) << options.status().ToString();
  return std::move(*options);
}

KeySlotOptions Read(const std::string& text) {
  JsonOptions options = Options(text);
  KeySlotOptions slots = ReadKeySlotOptions(options);
  const Status status = options.Finish();
  EXPECT_TRUE(status.ok()) << status.message();
  return slots;
}

std::string ErrorOf(const std::string& text) {
  JsonOptions options = Options(text);
  (void)ReadKeySlotOptions(options);
  return options.Finish().message();
}

std::string ErrorOfKeys(const std::string& keys) {
  return ErrorOf(R"({"kms_key":)" + keys + "}");
}

std::vector<std::string> NamesOf(
    const Result<std::vector<KmsKeyOptions>>& keys) {
  EXPECT_TRUE(keys) << keys.status().ToString();
  std::vector<std::string> names;
  if (!keys) return names;
  for (const KmsKeyOptions& key : *keys) names.push_back(key.Name());
  return names;
}

TEST(KeySlotOptions, OneStringIsOneKeyAndNeedsNoSlots) {
  const KeySlotOptions slots = Read(R"({"kms_key":"alias/db"})");
  ASSERT_THAT(slots.kms_keys, SizeIs(1));
  EXPECT_EQ(slots.kms_keys[0].key, "alias/db");
  EXPECT_EQ(slots.kms_keys[0].Name(), "alias/db");
  EXPECT_FALSE(slots.NeedsSlots());
  EXPECT_FALSE(Read(R"({"kms_key":["alias/db"]})").NeedsSlots());
}

TEST(KeySlotOptions, AListHasStringsAndObjects) {
  const KeySlotOptions slots =
      Read(R"({"kms_key":["alias/db",{"key":"alias/db","region":"eu-west-1",)"
           R"("endpoint_url":"https://kms.x","profile":"p","role_arn":"arn:r",)"
           R"("external_id":"e"}]})");
  ASSERT_THAT(slots.kms_keys, SizeIs(2));
  EXPECT_TRUE(slots.NeedsSlots());
  const KmsKeyOptions& second = slots.kms_keys[1];
  EXPECT_EQ(second.key, "alias/db");
  EXPECT_EQ(second.Name(), "alias/db@eu-west-1");
  EXPECT_EQ(second.region, "eu-west-1");
  EXPECT_EQ(second.endpoint_url, "https://kms.x");
  EXPECT_EQ(second.profile, "p");
  EXPECT_EQ(second.role_arn, "arn:r");
  EXPECT_EQ(second.external_id, "e");
}

TEST(KeySlotOptions, ARecoveryKeyOrALocalFileNeedsSlots) {
  const KeySlotOptions slots =
      Read(R"({"kms_key":"k","recovery_public_key":"/a.pem",)"
           R"("local_unlock_file":"/run/secret"})");
  EXPECT_THAT(slots.recovery_public_keys, ElementsAre("/a.pem"));
  EXPECT_EQ(slots.local_unlock_file, "/run/secret");
  EXPECT_TRUE(slots.NeedsSlots());
  EXPECT_TRUE(
      Read(R"({"kms_key":"k","recovery_public_key":["/a.pem","/b.pem"]})")
          .NeedsSlots());
  EXPECT_TRUE(Read(R"({"kms_key":"k","local_unlock_file":"/s"})").NeedsSlots());
}

TEST(KeySlotOptions, AllProblemsAreReportedAtOnce) {
  EXPECT_THAT(
      ErrorOf(R"({"kms_key":["",{"region":"x"},{"key":"k","regoin":"y"},)"
              R"({"key":"k","external_id":"e"}],)"
              R"("recovery_public_key":"a.pem","local_unlock_file":"b"})"),
      AllOf(
          HasSubstr("kms_key, entry 1: key must not be empty"),
          HasSubstr("kms_key, entry 2: key is missing"),
          HasSubstr("kms_key, entry 3: there is no option regoin; did you "
                    "mean region?"),
          HasSubstr("kms_key, entry 4: external_id requires role_arn"),
          HasSubstr("kms_key: k is a duplicate"),
          HasSubstr("recovery_public_key must be an absolute path, not a.pem"),
          HasSubstr("local_unlock_file must be an absolute path, not b")));
  EXPECT_EQ(ErrorOf("{}"), "/x.cnf: kms_key is missing");
}

TEST(KeySlotOptions, WhatIsNoListOfKeysIsRefused) {
  for (const char* keys : {"7", R"({"key":"k"})", "null"}) {
    EXPECT_THAT(ErrorOfKeys(keys), HasSubstr("kms_key must be a string"))
        << keys;
  }
  for (const char* keys : {"[]", R"(["k",7])"}) {
    EXPECT_THAT(ErrorOfKeys(keys), HasSubstr("kms_key must be a list"));
  }
  EXPECT_THAT(ErrorOfKeys(R"([{"key":"a","key":"b"}])"),
              HasSubstr("key is a duplicate"));
  EXPECT_THAT(ErrorOfKeys(R"("one,two")"),
              HasSubstr("several keys are a list"));
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += (i == 0 ? "[\"" : ",\"") + std::to_string(i) + "\"";
  }
  EXPECT_THAT(ErrorOfKeys(many + "]"), HasSubstr("more than 16 keys"));
}

TEST(KeySlotOptions, TheSameKeyTwiceIsRefusedHoweverItIsSpelled) {
  const std::string arn = kArn;
  const auto error_of = [](const std::string& second) {
    return ErrorOfKeys("[\"" + std::string(kArn) + "\"," + second + "]");
  };
  EXPECT_THAT(error_of("\"" + arn + "\""), HasSubstr("is a duplicate"));
  EXPECT_THAT(error_of(R"({"key":"k1","region":"eu-west-1"})"),
              HasSubstr("k1@eu-west-1 is a duplicate"));
  EXPECT_THAT(error_of("{\"key\":\"" + arn + R"(","role_arn":"arn:r"})"),
              HasSubstr("is a duplicate"));
  // Another key, another region, and a replica of a multi-region key.
  EXPECT_EQ(error_of("\"" + std::string(kArn2) + "\""), "");
  EXPECT_EQ(error_of(R"({"key":"k1","region":"eu-central-1"})"), "");
  EXPECT_EQ(ErrorOfKeys("[\"" + std::string(kMultiRegion) +
                        R"(",{"key":"arn:aws:kms:us-east-1:111122223333:key/)"
                        R"(mrk-1234"}])"),
            "");
}

TEST(KeySlotOptions, ARegionMustBeThatOfTheArn) {
  const auto with_region = [](const std::string& arn) {
    return ErrorOfKeys("[{\"key\":\"" + arn + R"(","region":"us-east-1"}])");
  };
  EXPECT_THAT(with_region(kArn),
              HasSubstr("region is us-east-1, but the key is in eu-west-1"));
  EXPECT_EQ(with_region(kMultiRegion), "");
}

TEST(KeySlotOptions, AVariableHasKeysBetweenCommasOrAJsonList) {
  EXPECT_THAT(NamesOf(ParseKmsKeyList("")), SizeIs(0));
  EXPECT_THAT(NamesOf(ParseKmsKeyList("alias/a")), ElementsAre("alias/a"));
  EXPECT_THAT(NamesOf(ParseKmsKeyList(" alias/a , alias/b")),
              ElementsAre("alias/a", "alias/b"));
  EXPECT_THAT(
      NamesOf(ParseKmsKeyList(R"(["alias/a",{"key":"k","region":"r"}])")),
      ElementsAre("alias/a", "k@r"));
  for (const char* wrong :
       {"a,,b", "a,", ",", "a,a", "[", "[]", R"([{"key":"a","x":"y"}])"}) {
    EXPECT_EQ(ParseKmsKeyList(wrong).status().code(),
              StatusCode::kMisconfigured)
        << wrong;
  }
}

AwsOptions Common() {
  AwsOptions common;
  common.region = "us-east-1";
  common.endpoint_url = "https://all";
  common.access_key_id = "AKID";
  common.secret_access_key = Secret::CopyOf(std::string_view("s"));
  common.role_arn = "arn:common";
  common.external_id = "common";
  common.ca_bundle = "/ca";
  common.max_attempts = 7;
  return common;
}

TEST(KeySlotOptions, AKeyTakesWhatItDoesNotSayFromTheOptionsForAll) {
  KmsKeyOptions key;
  key.key = "alias/db";
  const AwsOptions aws = AwsOptionsOfKey(key, Common());
  EXPECT_EQ(aws.region, "us-east-1");
  EXPECT_EQ(aws.endpoint_url, "https://all");
  EXPECT_EQ(aws.access_key_id, "AKID");
  EXPECT_EQ(aws.secret_access_key.RevealText(), "s");
  EXPECT_EQ(aws.role_arn, "arn:common");
  EXPECT_EQ(aws.external_id, "common");
  EXPECT_EQ(aws.ca_bundle, "/ca");
  EXPECT_EQ(aws.max_attempts, 7);
}

TEST(KeySlotOptions, TheRegionOfAnArnBeatsTheRegionForAll) {
  KmsKeyOptions key;
  key.key = kArn;
  EXPECT_EQ(AwsOptionsOfKey(key, Common()).region, "eu-west-1");
  key.key = kMultiRegion;
  key.region = "ap-south-1";
  EXPECT_EQ(AwsOptionsOfKey(key, Common()).region, "ap-south-1");
}

TEST(KeySlotOptions, AProfileReplacesKeysAndRoleAndARoleReplacesARole) {
  KmsKeyOptions key;
  key.key = "alias/db";
  key.profile = "other";
  AwsOptions aws = AwsOptionsOfKey(key, Common());
  EXPECT_EQ(aws.profile, "other");
  EXPECT_EQ(aws.access_key_id, "");
  EXPECT_TRUE(aws.secret_access_key.empty());
  EXPECT_EQ(aws.role_arn, "");
  EXPECT_EQ(aws.external_id, "");
  key.profile = "";
  key.role_arn = "arn:own";
  key.endpoint_url = "https://own";
  aws = AwsOptionsOfKey(key, Common());
  EXPECT_EQ(aws.access_key_id, "AKID");
  EXPECT_EQ(aws.role_arn, "arn:own");
  EXPECT_EQ(aws.external_id, "");
  EXPECT_EQ(aws.endpoint_url, "https://own");
}

class RecoveryKeyFiles : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    EXPECT_TRUE(SystemProcessRunner().Run(
        "cd " + directory_->path() +
            " && openssl genpkey -quiet -algorithm RSA -pkeyopt "
            "rsa_keygen_bits:3072 -out key.pem && "
            "openssl pkey -in key.pem -pubout -out public.pem",
        Millis(60000), 1000, nullptr));
  }
  static void TearDownTestSuite() { delete directory_; }
  static TemporaryDirectory* directory_;
};
TemporaryDirectory* RecoveryKeyFiles::directory_ = nullptr;

TEST_F(RecoveryKeyFiles, AreReadAndAllProblemsTold) {
  directory_->Write("copy.pem", directory_->ReadBack("public.pem"));
  std::vector<std::string> problems;
  const std::vector<RecoveryKey> keys = ReadRecoveryKeys(
      PosixFileSystem(),
      {directory_->PathOf("public.pem"), directory_->PathOf("none.pem"),
       directory_->PathOf("key.pem"), directory_->PathOf("copy.pem")},
      problems);
  ASSERT_THAT(keys, SizeIs(1));
  EXPECT_EQ(keys[0].path, directory_->PathOf("public.pem"));
  EXPECT_THAT(problems,
              ElementsAre(AllOf(HasSubstr("recovery_public_key: "),
                                HasSubstr("none.pem")),
                          AllOf(HasSubstr("key.pem: this is a PRIVATE key"),
                                HasSubstr("recovery_public_key: ")),
                          HasSubstr("holds the same key as")));
}

class LocalUnlockFile : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"data", "keys", "safe"}) {
      std::filesystem::create_directory(directory_.PathOf(name));
    }
    Put("safe/secret");
  }
  std::string Put(const std::string& name, size_t size = 32,
                  mode_t mode = 0440) {
    const std::string path = directory_.Write(name, std::string(size, 's'));
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  Status Check(const std::string& name) {
    return CheckLocalUnlockFile(
        PosixFileSystem(), directory_.PathOf(name),
        {directory_.PathOf("data"), directory_.PathOf("keys")});
  }
  std::string Refusal(const std::string& name) {
    const Status status = Check(name);
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.message();
    return status.message();
  }

  TemporaryDirectory directory_;
};

TEST_F(LocalUnlockFile, OfItsOwnPlaceIsRead) {
  EXPECT_TRUE(Check("safe/secret").ok());
  const Result<Secret> secret =
      ReadLocalUnlockFile(PosixFileSystem(), directory_.PathOf("safe/secret"),
                          {directory_.PathOf("data")});
  ASSERT_TRUE(secret) << secret.status().ToString();
  EXPECT_EQ(secret->RevealText(), std::string(32, 's'));
}

TEST_F(LocalUnlockFile, NothingLiesInADirectoryThatDoesNotExist) {
  EXPECT_TRUE(CheckLocalUnlockFile(PosixFileSystem(),
                                   directory_.PathOf("safe/secret"),
                                   {directory_.PathOf("none")})
                  .ok());
}

// As Kubernetes mounts secrets.
TEST_F(LocalUnlockFile, MayBeALink) {
  std::filesystem::create_symlink("secret", directory_.PathOf("safe/link"));
  EXPECT_TRUE(Check("safe/link").ok());
}

TEST_F(LocalUnlockFile, MissingIsNotFound) {
  EXPECT_EQ(Check("safe/none").code(), StatusCode::kNotFound);
}

TEST_F(LocalUnlockFile, InTheDataOrKeyringDirectoryIsRefused) {
  std::filesystem::create_directory(directory_.PathOf("data/deep"));
  for (const char* name : {"data/secret", "data/deep/secret", "keys/secret"}) {
    Put(name);
    EXPECT_THAT(Refusal(name), HasSubstr(" lies in ")) << name;
  }
}

TEST_F(LocalUnlockFile, InTheDataDirectoryByALinkIsRefused) {
  Put("data/secret");
  std::filesystem::create_symlink("../data/secret",
                                  directory_.PathOf("safe/to_file"));
  std::filesystem::create_symlink("../data", directory_.PathOf("safe/to_dir"));
  EXPECT_THAT(Refusal("safe/to_file"), HasSubstr(" lies in "));
  EXPECT_THAT(Refusal("safe/to_dir/secret"), HasSubstr(" lies in "));
  EXPECT_THAT(Refusal("safe/../data/secret"), HasSubstr(" lies in "));
}

TEST_F(LocalUnlockFile, WhenTheDataDirectoryIsALinkItIsRefusedThere) {
  std::filesystem::create_symlink("safe", directory_.PathOf("link"));
  EXPECT_EQ(
      CheckLocalUnlockFile(PosixFileSystem(), directory_.PathOf("safe/secret"),
                           {directory_.PathOf("link")})
          .code(),
      StatusCode::kMisconfigured);
}

TEST_F(LocalUnlockFile, WithASecondNameIsRefused) {
  std::filesystem::create_hard_link(directory_.PathOf("safe/secret"),
                                    directory_.PathOf("data/secret"));
  EXPECT_THAT(Refusal("safe/secret"), HasSubstr("a hard link"));
}

TEST_F(LocalUnlockFile, ThatOthersMayAccessIsRefused) {
  for (const mode_t mode : {0444, 0441, 0442}) {
    Put("safe/open", 32, mode);
    EXPECT_THAT(Refusal("safe/open"), HasSubstr("; run: chown root:mysql "))
        << mode;
    std::filesystem::remove(directory_.PathOf("safe/open"));
  }
}

TEST_F(LocalUnlockFile, OfAnotherSizeOrKindIsRefused) {
  Put("safe/short", 31);
  Put("safe/long", 33);
  EXPECT_THAT(Refusal("safe/short"), HasSubstr("has 31 bytes"));
  EXPECT_THAT(Refusal("safe/long"), HasSubstr("has 33 bytes"));
  EXPECT_THAT(Refusal("safe"), HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace openkeyring
