// SPDX-License-Identifier: MIT
#include "cli/backup_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/percona/json_keyring_format.h"
#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

class BackupComparisonTest : public testing::Test {
 protected:
  // Each key by its name, its type and the first byte of its blob.
  using Entry = std::tuple<std::string, std::string, uint8_t>;

  void Write(const std::string& name, const std::vector<Entry>& entries) {
    JsonKeyring keyring;
    for (const auto& [data_id, type, first] : entries) {
      WrappedKey wrapped;
      wrapped.blob = Bytes(200, 7);
      wrapped.blob[0] = first;
      ASSERT_TRUE(keyring.Add({data_id, ""}, type, wrapped).ok());
    }
    directory_.Write(name, AsText(*keyring.Write()));
  }
  std::optional<CopyDifference> Compare() {
    const auto compared =
        CompareCopy(PosixFileSystem(), Product::kComponentKeyringKms,
                    directory_.PathOf("keys"), directory_.PathOf("copy"), log_);
    EXPECT_TRUE(compared) << compared.status().ToString();
    return compared.value_or(std::nullopt);
  }

  TemporaryDirectory directory_;
  MemoryLog log_;
};

TEST_F(BackupComparisonTest, ACopyWithTheSameKeysAndMoreHasAll) {
  Write("keys", {{"a", "AES", 1}, {"b", "AES", 2}});
  Write("copy", {{"b", "AES", 2}, {"c", "AES", 3}, {"a", "AES", 1}});
  EXPECT_FALSE(Compare());
}

TEST_F(BackupComparisonTest, ACopyThatLacksAKeyIsOlder) {
  Write("keys", {{"a", "AES", 1}, {"b", "AES", 2}});
  Write("copy", {{"a", "AES", 1}, {"c", "AES", 3}});
  const auto difference = Compare();
  ASSERT_TRUE(difference);
  EXPECT_TRUE(difference->is_older);
  EXPECT_THAT(difference->reason, HasSubstr("it lacks key \"b\""));
}

TEST_F(BackupComparisonTest, OtherBytesOrAnotherTypeCanBeTheSameKeyOrNot) {
  Write("keys", {{"a", "AES", 1}, {"b", "AES", 2}});
  for (const Entry& other : {Entry{"b", "AES", 9}, Entry{"b", "SECRET", 2}}) {
    Write("copy", {{"a", "AES", 1}, other});
    const auto difference = Compare();
    ASSERT_TRUE(difference);
    EXPECT_FALSE(difference->is_older);
    EXPECT_THAT(difference->reason, HasSubstr("another value of key \"b\""));
  }
}

TEST_F(BackupComparisonTest, WhatABackupNamesOfMariaDbIsMade) {
  BackupManifest manifest;
  manifest.product = Product::kAwsKeyManagement;
  manifest.keys = {{"1", "", 1}, {"1", "", 2}};
  const auto check = [&](const std::vector<std::string>& names) {
    std::vector<KeyringPart> parts;
    for (const std::string& name : names) parts.push_back({{name}, {}});
    return CheckMarksAreInBackup(parts, manifest);
  };
  EXPECT_TRUE(check({}).ok());
  EXPECT_TRUE(check({"aws-kms-key-made.1.2", "aws-kms-key.1.1"}).ok());
  EXPECT_THAT(check({"aws-kms-key-made.1.3"}).message(),
              HasSubstr("key 1 version 3, which was made"));
  EXPECT_THAT(check({"aws-kms-key-set"}).message(), HasSubstr("in a key set"));
  EXPECT_THAT(check({"aws-kms-key-set-made"}).message(),
              HasSubstr("in a key set"));
  manifest.files = {{"aws-kms-key-set"}, {"aws-kms-key.1.1"}};
  EXPECT_TRUE(check({"aws-kms-key-set", "aws-kms-key.1.1"}).ok());
  EXPECT_THAT(check({"aws-kms-key.1.2"}).message(),
              HasSubstr("not made of aws-kms-key.1.2"));
}

}  // namespace
}  // namespace openkeyring
