// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/kms_keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "product/component_keyring_kms/sealed_note.h"
#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

// No KMS answers, and none is needed for a keyring without keys in Percona's
// format.
class KmsKeyringTest : public testing::Test {
 protected:
  KmsKeyringTest() { std::filesystem::create_directory(data_); }
  void Note() { directory_.Write(std::string("data/") + kSealedNote, "note"); }
  Status Open(std::optional<KeyringFileFormat> format) {
    KmsComponentConfig config;
    config.path = path_;
    config.slots.kms_keys.resize(1);
    config.slots.kms_keys[0].key = "alias/a";
    config.aws.region = "eu-west-1";
    config.aws.endpoint_url = "http://127.0.0.1:1";
    config.file_format = format;
    return KmsKeyring::Open(std::move(config), nullptr, data_, LoadRetry::kOnce,
                            log_)
        .status();
  }
  void ExpectRefused(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kCorrupt);
    EXPECT_THAT(status.message(), HasSubstr(path_ + " is missing or empty"));
  }

  TemporaryDirectory directory_;
  const std::string data_ = directory_.PathOf("data");
  const std::string path_ = directory_.PathOf("ring");
  MemoryLog log_;
};

TEST_F(KmsKeyringTest, ATruncatedSealedFileIsNotANewKeyring) {
  Note();
  directory_.Write("ring", "");
  ExpectRefused(Open(std::nullopt));
  // The option is left from before a conversion.
  ExpectRefused(Open(KeyringFileFormat::kPercona));
  EXPECT_EQ(directory_.ReadBack("ring"), "");
}

TEST_F(KmsKeyringTest, NorIsALostSealedFileInPerconasFormat) {
  Note();
  ExpectRefused(Open(KeyringFileFormat::kPercona));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(KmsKeyringTest, WithoutTheNoteItIsANewKeyring) {
  EXPECT_TRUE(Open(KeyringFileFormat::kPercona).ok());
  directory_.Write("ring", "");
  EXPECT_TRUE(Open(KeyringFileFormat::kPercona).ok());
  EXPECT_TRUE(Open(std::nullopt).ok());
}

TEST_F(KmsKeyringTest, KeysInPerconasFormatDoNotMindTheNote) {
  ASSERT_TRUE(Open(KeyringFileFormat::kPercona).ok());
  directory_.Write("ring", R"({"version": "1.0", "elements": []})");
  Note();
  EXPECT_TRUE(Open(KeyringFileFormat::kPercona).ok());
  EXPECT_TRUE(Open(std::nullopt).ok());
}

}  // namespace
}  // namespace openkeyring
