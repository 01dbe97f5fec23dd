// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/aws_data_file_format.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/byte_codec.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

AwsKeyringContent Example() {
  AwsKeyringContent keyring;
  std::iota(keyring.file_id.begin(), keyring.file_id.end(), 0xa0);
  keyring.keys[{"k", ""}] =
      std::make_shared<EncryptedKey>(EncryptedKey{"AES", {{1, 2}, "a"}});
  return keyring;
}

void Add(AwsKeyringContent& keyring, KeyName name, EncryptedKey key) {
  keyring.keys[std::move(name)] =
      std::make_shared<EncryptedKey>(std::move(key));
}

Bytes Digested(Bytes content) {
  content.erase(content.end() - 32, content.end());
  PutBytes(content, *Sha256(content));
  return content;
}

StatusCode CodeOf(ByteView content) {
  return DecodeAwsDataFile(content).status().code();
}

// The worked example of docs/file_formats.md.
TEST(AwsDataFileFormat, IsTheDocumentedOne) {
  const Bytes content = *EncodeAwsDataFile(Example());
  ASSERT_EQ(content.size(), 55u + 32);
  EXPECT_EQ(HexEncode(ByteView(content).first(55)),
            "894f4b52410d0a1a0001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "00000000000000010000000100016b000000034145530001610002"
            "0102");
}

TEST(AwsDataFileFormat, RoundTrips) {
  AwsKeyringContent keyring = Example();
  keyring.generation = ~uint64_t{0};
  Add(keyring, {"k", "u@h"}, {"SECRET", {Bytes(6144, 0xff), ""}});
  Add(keyring, {std::string(1024, 'i'), std::string(1024, 'o')},
      {"AES", {{0}, std::string(2048, 'a')}});
  const Bytes content = *EncodeAwsDataFile(keyring);
  const Result<AwsKeyringContent> read = DecodeAwsDataFile(content);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->file_id, keyring.file_id);
  EXPECT_EQ(read->generation, keyring.generation);
  ASSERT_EQ(read->keys.size(), 3u);
  EXPECT_EQ(read->keys.at({"k", "u@h"})->wrapped.blob, Bytes(6144, 0xff));
  EXPECT_EQ(*EncodeAwsDataFile(*read), content);
}

TEST(AwsDataFileFormat, EveryFlippedBitIsDamage) {
  const Bytes content = *EncodeAwsDataFile(Example());
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(CodeOf(changed), StatusCode::kCorrupt) << bit;
  }
}

TEST(AwsDataFileFormat, EveryCutIsDamageWhateverTheDigest) {
  const Bytes content = *EncodeAwsDataFile(Example());
  for (size_t size = 0; size < content.size(); ++size) {
    const Bytes cut(content.begin(), content.begin() + size);
    EXPECT_EQ(CodeOf(cut), StatusCode::kCorrupt) << size;
    if (size >= 40) {
      EXPECT_EQ(CodeOf(Digested(cut)), StatusCode::kCorrupt) << size;
    }
  }
}

TEST(AwsDataFileFormat, SomethingBehindTheRecordsIsDamage) {
  Bytes content = *EncodeAwsDataFile(Example());
  content.insert(content.end() - 32, 0);
  EXPECT_EQ(CodeOf(Digested(content)), StatusCode::kCorrupt);
}

TEST(AwsDataFileFormat, RecordsOutOfOrderOrTwiceAreDamage) {
  AwsKeyringContent keyring = Example();
  Add(keyring, {"l", ""}, {"AES", {{1, 2}, "a"}});
  const Bytes content = *EncodeAwsDataFile(keyring);
  for (const char name : {'k', 'j'}) {
    Bytes changed = content;
    changed[38 + 17 + 2] = static_cast<uint8_t>(name);
    EXPECT_EQ(CodeOf(Digested(changed)), StatusCode::kCorrupt) << name;
  }
}

TEST(AwsDataFileFormat, ANewerVersionIsNamedOnlyWhenItIsWhole) {
  Bytes content = *EncodeAwsDataFile(Example());
  content[9] = 2;
  EXPECT_EQ(CodeOf(content), StatusCode::kCorrupt);
  const Status status = DecodeAwsDataFile(Digested(content)).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("version 2"), std::string::npos);
}

TEST(AwsDataFileFormat, WhatTheFieldsHaveNoRoomForIsRefused) {
  const EncryptedKey good = {"AES", {{1}, "a"}};
  const std::pair<KeyName, EncryptedKey> wrong[] = {
      {{"", ""}, good},
      {{std::string(1025, 'i'), ""}, good},
      {{"i", std::string(1025, 'o')}, good},
      {{"i", ""}, {"", {{1}, ""}}},
      {{"i", ""}, {"AES", {{}, ""}}},
      {{"i", ""}, {"AES", {Bytes(6145), ""}}},
      {{"i", ""}, {"AES", {{1}, std::string(2049, 'a')}}}};
  for (const auto& [name, key] : wrong) {
    AwsKeyringContent keyring;
    Add(keyring, name, key);
    EXPECT_EQ(EncodeAwsDataFile(keyring).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(AwsDataFileFormat, KeysAreBoundToFileNameOwnerAndType) {
  const AwsKeyringContent keyring = Example();
  const EncryptionContext binding =
      AwsKeyContext(keyring.file_id, {"i", "o"}, "AES");
  EXPECT_EQ(binding, (EncryptionContext{{"openkeyring:product", "keyring_aws"},
                                        {"openkeyring:file-id",
                                         "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"},
                                        {"openkeyring:key-id", "i"},
                                        {"openkeyring:owner", "o"},
                                        {"openkeyring:type", "AES"}}));
  EXPECT_FALSE(AwsKeyContext(keyring.file_id, {"i", ""}, "AES")
                   .contains("openkeyring:owner"));
}

}  // namespace
}  // namespace openkeyring
