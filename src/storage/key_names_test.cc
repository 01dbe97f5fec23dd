// SPDX-License-Identifier: MIT
#include "storage/key_names.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace openkeyring {
namespace {

TEST(KeyFileName, IsDecimalIdAndVersion) {
  EXPECT_EQ(KeyFileName({1, 2}), "aws-kms-key.1.2");
  EXPECT_EQ(KeyFileName({4294967295u, 4294967294u}),
            "aws-kms-key.4294967295.4294967294");
}

TEST(KeyFileName, ParsesWhatItWrites) {
  for (const KeyVersion key : {KeyVersion{1, 1}, KeyVersion{100000, 10},
                               KeyVersion{4294967295u, 4294967294u}}) {
    EXPECT_EQ(ParseKeyFileName(KeyFileName(key)), key);
  }
}

TEST(KeyFileName, RefusesEveryOtherSpelling) {
  for (const char* name : {"",
                           "aws-kms-key",
                           "aws-kms-key.",
                           "aws-kms-key.1",
                           "aws-kms-key.1.",
                           "aws-kms-key..1",
                           "aws-kms-key.0.1",
                           "aws-kms-key.1.0",
                           "aws-kms-key.01.1",
                           "aws-kms-key.1.01",
                           "aws-kms-key.+1.1",
                           "aws-kms-key.1.-1",
                           "aws-kms-key.1.1.bak",
                           "aws-kms-key.1.1 ",
                           " aws-kms-key.1.1",
                           "aws-kms-key.4294967296.1",
                           "aws-kms-key.1.4294967295",
                           "aws-kms-key.1.99999999999999999999",
                           "aws-kms-key.a.1",
                           ".aws-kms-key.1.1.0123456789abcdef.tmp"}) {
    EXPECT_FALSE(ParseKeyFileName(name)) << name;
  }
}

TEST(VersionMark, HasANameThatIsNoKeyFiles) {
  EXPECT_EQ(VersionMarkName({7, 3}), "aws-kms-key-made.7.3");
  EXPECT_EQ(ParseVersionMarkName("aws-kms-key-made.7.3"), (KeyVersion{7, 3}));
  EXPECT_FALSE(ParseVersionMarkName("aws-kms-key.7.3"));
  EXPECT_FALSE(ParseVersionMarkName("aws-kms-key-made.07.3"));
  EXPECT_FALSE(ParseKeyFileName("aws-kms-key-made.7.3"));
  EXPECT_FALSE(ParseKeyFileName(kInstallationFileName));
}

// The worked example of docs/file_formats.md.
TEST(InstallationFile, IsAsDocumented) {
  const std::string id = "00112233445566778899aabbccddeeff";
  const std::string text =
      "OpenKeyring installation 1\n00112233445566778899aabbccddeeff\n"
      "27d63f18ffcd77a8c3776a0a95a2503a689b49ac8619695bc7e2c2a8ba7276a0\n";
  EXPECT_EQ(AsText(*WriteInstallationFile(id)), text);
  EXPECT_EQ(*ReadInstallationFile(*WriteInstallationFile(id)), id);
}

TEST(InstallationFile, AnyDamageIsNoticed) {
  const Bytes intact =
      *WriteInstallationFile("00112233445566778899aabbccddeeff");
  for (size_t i = 0; i < intact.size(); ++i) {
    Bytes damaged = intact;
    damaged[i] ^= 1;
    EXPECT_FALSE(ReadInstallationFile(damaged)) << i;
    EXPECT_FALSE(ReadInstallationFile(ByteView(intact).first(i))) << i;
  }
}

}  // namespace
}  // namespace openkeyring
