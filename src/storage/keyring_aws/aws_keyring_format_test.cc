// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/aws_keyring_format.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/byte_codec.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

AwsKeyring Example() {
  AwsKeyring keyring;
  std::iota(keyring.file_id.begin(), keyring.file_id.end(), 0xa0);
  keyring.keys[{"k", ""}] =
      std::make_shared<StoredKey>(StoredKey{"AES", {{1, 2}, "a"}});
  return keyring;
}

void Add(AwsKeyring& keyring, KeyName name, StoredKey key) {
  keyring.keys[std::move(name)] = std::make_shared<StoredKey>(std::move(key));
}

Bytes Digested(Bytes content) {
  content.erase(content.end() - 32, content.end());
  PutBytes(content, *Sha256(content));
  return content;
}

StatusCode CodeOf(ByteView content) {
  return ReadAwsKeyring(content).status().code();
}

// The worked example of docs/file_formats.md.
TEST(AwsKeyringFormat, IsTheDocumentedOne) {
  const Bytes content = *WriteAwsKeyring(Example());
  ASSERT_EQ(content.size(), 55u + 32);
  EXPECT_EQ(HexEncode(ByteView(content).first(55)),
            "894f4b52410d0a1a0001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "00000000000000010000000100016b000000034145530001610002"
            "0102");
}

TEST(AwsKeyringFormat, RoundTrips) {
  AwsKeyring keyring = Example();
  keyring.generation = ~uint64_t{0};
  Add(keyring, {"k", "u@h"}, {"SECRET", {Bytes(6144, 0xff), ""}});
  Add(keyring, {std::string(1024, 'i'), std::string(1024, 'o')},
      {"AES", {{0}, std::string(2048, 'a')}});
  const Bytes content = *WriteAwsKeyring(keyring);
  const Result<AwsKeyring> read = ReadAwsKeyring(content);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->file_id, keyring.file_id);
  EXPECT_EQ(read->generation, keyring.generation);
  ASSERT_EQ(read->keys.size(), 3u);
  EXPECT_EQ(read->keys.at({"k", "u@h"})->wrapped.blob, Bytes(6144, 0xff));
  EXPECT_EQ(*WriteAwsKeyring(*read), content);
}

TEST(AwsKeyringFormat, EveryFlippedBitIsDamage) {
  const Bytes content = *WriteAwsKeyring(Example());
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(CodeOf(changed), StatusCode::kCorrupt) << bit;
  }
}

TEST(AwsKeyringFormat, EveryCutIsDamageWhateverTheDigest) {
  const Bytes content = *WriteAwsKeyring(Example());
  for (size_t size = 0; size < content.size(); ++size) {
    const Bytes cut(content.begin(), content.begin() + size);
    EXPECT_EQ(CodeOf(cut), StatusCode::kCorrupt) << size;
    if (size >= 40) {
      EXPECT_EQ(CodeOf(Digested(cut)), StatusCode::kCorrupt) << size;
    }
  }
}

TEST(AwsKeyringFormat, SomethingBehindTheRecordsIsDamage) {
  Bytes content = *WriteAwsKeyring(Example());
  content.insert(content.end() - 32, 0);
  EXPECT_EQ(CodeOf(Digested(content)), StatusCode::kCorrupt);
}

TEST(AwsKeyringFormat, RecordsOutOfOrderOrTwiceAreDamage) {
  AwsKeyring keyring = Example();
  Add(keyring, {"l", ""}, {"AES", {{1, 2}, "a"}});
  const Bytes content = *WriteAwsKeyring(keyring);
  for (const char name : {'k', 'j'}) {
    Bytes changed = content;
    changed[38 + 17 + 2] = static_cast<uint8_t>(name);
    EXPECT_EQ(CodeOf(Digested(changed)), StatusCode::kCorrupt) << name;
  }
}

TEST(AwsKeyringFormat, ANewerVersionIsNamedOnlyWhenItIsWhole) {
  Bytes content = *WriteAwsKeyring(Example());
  content[9] = 2;
  EXPECT_EQ(CodeOf(content), StatusCode::kCorrupt);
  const Status status = ReadAwsKeyring(Digested(content)).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_NE(status.message().find("version 2"), std::string::npos);
}

TEST(AwsKeyringFormat, WhatTheFieldsHaveNoRoomForIsRefused) {
  const StoredKey good = {"AES", {{1}, "a"}};
  const std::pair<KeyName, StoredKey> wrong[] = {
      {{"", ""}, good},
      {{std::string(1025, 'i'), ""}, good},
      {{"i", std::string(1025, 'o')}, good},
      {{"i", ""}, {"", {{1}, ""}}},
      {{"i", ""}, {"AES", {{}, ""}}},
      {{"i", ""}, {"AES", {Bytes(6145), ""}}},
      {{"i", ""}, {"AES", {{1}, std::string(2049, 'a')}}}};
  for (const auto& [name, key] : wrong) {
    AwsKeyring keyring;
    Add(keyring, name, key);
    EXPECT_EQ(WriteAwsKeyring(keyring).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(AwsKeyringFormat, KeysAreBoundToFileNameOwnerAndType) {
  const AwsKeyring keyring = Example();
  const EncryptionContext binding =
      AwsKeyBinding(keyring.file_id, {"i", "o"}, "AES");
  EXPECT_EQ(binding, (EncryptionContext{{"openkeyring:product", "keyring_aws"},
                                        {"openkeyring:file-id",
                                         "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"},
                                        {"openkeyring:key-id", "i"},
                                        {"openkeyring:owner", "o"},
                                        {"openkeyring:type", "AES"}}));
  EXPECT_FALSE(AwsKeyBinding(keyring.file_id, {"i", ""}, "AES")
                   .contains("openkeyring:owner"));
}

}  // namespace
}  // namespace openkeyring
