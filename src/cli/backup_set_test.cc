// SPDX-License-Identifier: MIT
#include "cli/backup_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

class BackupSetTest : public testing::Test {
 protected:
  BackupSetTest() {
    manifest_.product = Product::kKeyringAws;
    manifest_.created = "2026-11-29T12:00:00Z";
    manifest_.format = "keyring_aws 1";
    manifest_.name = "data";
    manifest_.files = {{"data", 7, 0640, Sum("content")}};
    manifest_.wrapping_keys = {"arn"};
    manifest_.facts = {{"generation", "3"}};
    manifest_.keys = {{"a", "", 0}, {"a", "u@h", 0}, {"1", "", 2}};
  }

  static std::string Sum(std::string_view text) {
    return HexEncode(*Sha256(AsBytes(text)));
  }
  void Write() {
    directory_.Write("data", "content");
    const std::string text = WriteManifest(manifest_);
    directory_.Write(kManifestName, text);
    directory_.Write(kManifestSumName, Sum(text) + "  manifest.json\n");
  }
  Result<BackupManifest> Check() {
    return CheckBackup(PosixFileSystem(), directory_.path());
  }
  void ExpectRefused(std::string_view why) {
    const auto checked = Check();
    EXPECT_EQ(checked.status().code(), StatusCode::kCorrupt) << why;
    EXPECT_THAT(checked.status().message(), HasSubstr(std::string(why)));
  }

  TemporaryDirectory directory_;
  BackupManifest manifest_;
};

TEST_F(BackupSetTest, AManifestIsReadAsItWasWritten) {
  Write();
  const auto read = Check();
  ASSERT_TRUE(read) << read.status().ToString();
  EXPECT_EQ(read->product, manifest_.product);
  EXPECT_EQ(read->created, manifest_.created);
  EXPECT_EQ(read->facts, manifest_.facts);
  EXPECT_EQ(read->keys, manifest_.keys);
  EXPECT_EQ(read->wrapping_keys, manifest_.wrapping_keys);
  ASSERT_EQ(read->files.size(), 1u);
  EXPECT_EQ(read->files[0].mode, mode_t{0640});
}

TEST_F(BackupSetTest, NamesThatAreNotUtf8AreReadAsTheyWere) {
  manifest_.keys = {{"a\xff", "u@h", 0}, {"a\xfe", "u@h", 0}, {"b", "\xfc", 0}};
  const std::string text = WriteManifest(manifest_);
  const auto read = ReadManifest(AsBytes(text));
  ASSERT_TRUE(read) << read.status().ToString();
  EXPECT_EQ(read->keys, manifest_.keys);
  std::string wrong = text;
  wrong.replace(wrong.find("61ff"), 4, "61fg");
  EXPECT_EQ(ReadManifest(AsBytes(wrong)).status().code(), StatusCode::kCorrupt);
}

TEST_F(BackupSetTest, WhatIsMissingChangedOrTooMuchIsNoticed) {
  Write();
  directory_.Write("data", "contend");
  ExpectRefused("changed");
  directory_.Write("data", "content and more");
  ExpectRefused("changed");
  std::filesystem::remove(directory_.PathOf("data"));
  ExpectRefused("missing");
  Write();
  directory_.Write("more", "");
  ExpectRefused("not in the manifest");
  std::filesystem::remove(directory_.PathOf("more"));
  directory_.Write(kManifestName, WriteManifest(manifest_) + " ");
  ExpectRefused("was changed");
  std::filesystem::remove(directory_.PathOf(kManifestName));
  ExpectRefused("incomplete");
}

TEST_F(BackupSetTest, ANameMayNotLeaveTheDirectory) {
  for (const char* name : {"../x", "a/b", ".x", "", "manifest.json"}) {
    manifest_.files[0].name = name;
    EXPECT_EQ(ReadManifest(AsBytes(WriteManifest(manifest_))).status().code(),
              StatusCode::kCorrupt)
        << name;
  }
}

TEST_F(BackupSetTest, EveryMemberIsNeeded) {
  const std::string good = WriteManifest(manifest_);
  ASSERT_TRUE(ReadManifest(AsBytes(good)));
  for (const char* name : {"\"schema\"", "\"product\"", "\"created\"",
                           "\"format\"", "\"name\"", "\"files\"", "\"facts\"",
                           "\"keys\"", "\"sha256\"", "\"wrapping_keys\""}) {
    std::string bad = good;
    bad.replace(bad.find(name), 2, "\"x");
    EXPECT_EQ(ReadManifest(AsBytes(bad)).status().code(), StatusCode::kCorrupt)
        << name;
  }
  std::string newer = good;
  newer.replace(newer.find("manifest/1"), 10, "manifest/2");
  EXPECT_EQ(ReadManifest(AsBytes(newer)).status().code(),
            StatusCode::kMisconfigured);
}

TEST_F(BackupSetTest, OnlyFilesOfTheKeyringAreParts) {
  for (const char* name :
       {"keys", "keys.backup", "keys.other", "aws-kms-key.1.1",
        "aws-kms-key-made.1.1", "aws-kms-key-installation"}) {
    directory_.Write(name, name);
  }
  const auto names = [&](Product product, const std::string& place) {
    std::vector<std::string> found;
    const auto parts = ReadParts(PosixFileSystem(), product, place);
    if (!parts) return found;
    for (const KeyringPart& part : *parts) {
      found.push_back(part.about.name);
    }
    return found;
  };
  EXPECT_THAT(names(Product::kComponentKeyringKms, directory_.PathOf("keys")),
              testing::ElementsAre("keys", "keys.backup"));
  EXPECT_THAT(names(Product::kKeyringAws, directory_.PathOf("keys")),
              testing::ElementsAre("keys"));
  EXPECT_THAT(names(Product::kAwsKeyManagement, directory_.path()),
              testing::ElementsAre("aws-kms-key-installation",
                                   "aws-kms-key-made.1.1", "aws-kms-key.1.1"));
  EXPECT_TRUE(
      names(Product::kKeyringAws, directory_.PathOf("missing")).empty());
  EXPECT_TRUE(
      names(Product::kAwsKeyManagement, directory_.PathOf("missing")).empty());
}

}  // namespace
}  // namespace openkeyring
