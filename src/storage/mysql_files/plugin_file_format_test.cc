// SPDX-License-Identifier: MIT
#include "storage/mysql_files/plugin_file_format.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace openkeyring {
namespace {

constexpr std::string_view kMask = "*305=Ljt0*!@$Hnm(*-9-w;:";

void AppendWord(uint64_t value, size_t word, bool big_endian,
                std::string& out) {
  for (size_t i = 0; i < word; ++i) {
    const size_t shift = 8 * (big_endian ? word - 1 - i : i);
    out += static_cast<char>(value >> shift);
  }
}

// As the plugin writes a key.
std::string KeyBytes(const std::string& id, const std::string& type,
                     const std::string& user, std::string data, size_t word = 8,
                     bool big_endian = false) {
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<char>(data[i] ^ kMask[i % kMask.size()]);
  }
  const std::string body = id + type + user + data;
  const size_t total = (5 * word + body.size() + word - 1) / word * word;
  std::string bytes;
  for (const size_t size :
       {total, id.size(), type.size(), user.size(), data.size()}) {
    AppendWord(size, word, big_endian, bytes);
  }
  bytes += body;
  bytes.resize(total, '\0');
  return bytes;
}

std::string File2(const std::string& keys) {
  const Digest256 digest = *Sha256(AsBytes(keys));
  return "Keyring file version:2.0" + keys + "EOF" +
         std::string(digest.begin(), digest.end());
}

Result<std::vector<Key>> Read(const std::string& text) {
  return ReadPluginFile(Secret::CopyOf(text));
}

const std::string kLong(40, 'x');

TEST(PluginFileFormatTest, KeysOfEveryMachineAreRead) {
  for (const size_t word : {8, 4}) {
    for (const bool big_endian : {false, true}) {
      const auto keys = Read(
          File2(KeyBytes("INNODBKey-1", "AES", "", kLong, word, big_endian) +
                KeyBytes("k", "SECRET", "u@h", "s", word, big_endian)));
      ASSERT_TRUE(keys) << word << big_endian << keys.status().ToString();
      ASSERT_EQ(keys->size(), 2u);
      EXPECT_EQ((*keys)[0].name, (KeyName{"INNODBKey-1", ""}));
      EXPECT_EQ((*keys)[0].data.RevealText(), kLong);
      EXPECT_EQ((*keys)[1].name, (KeyName{"k", "u@h"}));
      EXPECT_EQ((*keys)[1].type, "SECRET");
      EXPECT_EQ((*keys)[1].data.RevealText(), "s");
    }
  }
}

TEST(PluginFileFormatTest, TheFirstVersionHasNoChecksum) {
  const auto keys = Read("Keyring file version:1.0" +
                         KeyBytes("k", "AES", "", kLong) + "EOF");
  ASSERT_TRUE(keys) << keys.status().ToString();
  EXPECT_EQ(keys->size(), 1u);
}

TEST(PluginFileFormatTest, AnEmptyKeyringIsRead) {
  ASSERT_TRUE(Read(File2("")));
  ASSERT_TRUE(
      Read("Keyring file version:2.0EOF01234567890123456789012345678901"));
}

TEST(PluginFileFormatTest, EveryChangedByteOfVersion2IsNoticed) {
  const std::string good = File2(KeyBytes("k", "AES", "u", kLong));
  ASSERT_TRUE(Read(good));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    EXPECT_FALSE(Read(changed)) << i;
    EXPECT_FALSE(Read(good.substr(0, i))) << i;
  }
}

TEST(PluginFileFormatTest, TwoKeysOfOneNameAreRefused) {
  const std::string key = KeyBytes("k", "AES", "", kLong);
  EXPECT_EQ(Read(File2(key + key)).status().code(), StatusCode::kCorrupt);
}

TEST(PluginFileFormatTest, SizesThatLieAreRefused) {
  for (size_t at = 0; at < 40; at += 8) {
    std::string key = KeyBytes("k", "AES", "u", kLong);
    key.replace(at, 8, std::string(8, '\xff'));
    EXPECT_EQ(Read(File2(key)).status().code(), StatusCode::kCorrupt) << at;
  }
}

}  // namespace
}  // namespace openkeyring
