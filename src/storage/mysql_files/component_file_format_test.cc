// SPDX-License-Identifier: MIT
#include "storage/mysql_files/component_file_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/clock.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<std::vector<Key>> Read(std::string_view text) {
  Secret content = Secret::CopyOf(text);
  return ReadPlainJsonKeyring(content);
}

std::string File(std::string_view elements) {
  return R"({"version":"1.0","elements":[)" + std::string(elements) + "]}";
}

std::string Element(std::string_view data) {
  return R"({"user":"u@h","data_id":"k","data_type":"AES","data":")" +
         std::string(data) + R"(","extension":[]})";
}

TEST(ComponentFileFormatTest, KeysAreReadAsTheyWereWritten) {
  Key first{{"INNODBKey-1", ""}, "AES", Secret::CopyOf("0123456789abcdef")};
  Key second{{"a \"k\\ey\"\n\xc3\xa4", "user@%"},
             "SECRET",
             Secret::CopyOf(std::string_view("\0\xff\x7f", 3))};
  const Result<Secret> written = WritePlainJsonKeyring({&first, &second});
  ASSERT_TRUE(written);
  EXPECT_THAT(written->RevealText(),
              HasSubstr(R"("data":"30313233343536373839616263646566")"));
  const auto keys = Read(written->RevealText());
  ASSERT_TRUE(keys) << keys.status().ToString();
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].name, first.name);
  EXPECT_EQ((*keys)[1].name, second.name);
  EXPECT_EQ((*keys)[1].type, "SECRET");
  EXPECT_TRUE((*keys)[0].data.Equals(first.data));
  EXPECT_TRUE((*keys)[1].data.Equals(second.data));
}

TEST(ComponentFileFormatTest, TheKeysAreOverwrittenInWhatWasRead) {
  Secret content = Secret::CopyOf(File(Element("c0ffee")));
  const auto keys = ReadPlainJsonKeyring(content);
  ASSERT_TRUE(keys && keys->size() == 1);
  EXPECT_EQ((*keys)[0].data.RevealText(), "\xc0\xff\xee");
  EXPECT_THAT(std::string(content.RevealText()), Not(HasSubstr("c0ffee")));
  content = Secret::CopyOf(File(Element("zz") + "," + Element("c0ffee")));
  EXPECT_FALSE(ReadPlainJsonKeyring(content));
  EXPECT_THAT(std::string(content.RevealText()), Not(HasSubstr("c0ffee")));
}

TEST(ComponentFileFormatTest, AnEmptyFileHasNoKey) {
  const auto keys = Read("");
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->empty());
  EXPECT_TRUE(Read(File("")));
}

TEST(ComponentFileFormatTest, WhatIsNotACompleteFileIsRefused) {
  const std::string good = File(Element("00ff"));
  ASSERT_TRUE(Read(good));
  for (size_t size = 1; size < good.size(); ++size) {
    EXPECT_FALSE(Read(std::string_view(good).substr(0, size))) << size;
  }
  for (const std::string& wrong :
       {File(Element("")), File(Element("0")), File(Element("0g")),
        File(Element("00") + "," + Element("11")), File("1"), File("{}"),
        std::string("[]"), std::string(R"({"version":"1.0"})"),
        File(R"({"user":"","data_id":"","data_type":"A","data":"00"})"),
        File(R"({"user":"","data_id":"k","data_type":"","data":"00"})"),
        File(R"({"user":"","data_id":"k","data_type":"A","data":1})"),
        File(R"({"data_id":"k","data_type":"A","data":"00"})"),
        // A second "data" that no element owns.
        File(R"({"user":"","data_id":"k","data_type":"A","data":"00",)"
             R"("extension":[{"data":"11"}]})")}) {
    const auto keys = Read(wrong);
    EXPECT_EQ(keys.status().code(), StatusCode::kCorrupt) << wrong;
  }
  EXPECT_EQ(Read(R"({"version":"2.0","elements":[]})").status().code(),
            StatusCode::kMisconfigured);
}

TEST(ComponentFileFormatTest, ADataIdCalledDataIsNoKey) {
  const auto keys = Read(File(
      R"({"user":"data","data_id":"data","data_type":"data","data" : "aB"})"));
  ASSERT_TRUE(keys) << keys.status().ToString();
  EXPECT_EQ((*keys)[0].name, (KeyName{"data", "data"}));
  EXPECT_EQ((*keys)[0].data.RevealText(), "\xab");
}

TEST(ComponentFileFormatTest, ALargeKeyringIsReadInOneGo) {
  constexpr int kKeys = 20000;
  std::string elements;
  for (int i = 0; i < kKeys; ++i) {
    elements += std::string(i == 0 ? "" : ",") + R"({"user":"","data_id":"k)" +
                std::to_string(i) +
                R"(","data_type":"AES","data":"00","extension":[]})";
  }
  const auto started = SystemClock().Steady();
  const auto keys = Read(File(elements));
  ASSERT_TRUE(keys) << keys.status().ToString();
  EXPECT_EQ(keys->size(), size_t{kKeys});
  // Was minutes when each name looked through the rest of the file.
  EXPECT_LT(SystemClock().Steady() - started, std::chrono::seconds(20));
}

TEST(ComponentFileFormatTest, ANameThatJsonCannotHoldIsNotWritten) {
  for (const std::string_view name :
       {std::string_view("\xff"), std::string_view("a\0b", 3)}) {
    Key key{{std::string(name), ""}, "AES", Secret(16)};
    EXPECT_EQ(WritePlainJsonKeyring({&key}).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(ComponentFileFormatTest, AKeyIsNeverTakenFromAnotherMember) {
  // An escaped "data" of the element, and a plain one inside of it.
  const Result<std::vector<Key>> keys = Read(
      R"({"version":"1.0","elements":[{"user":"","data_id":"k",)"
      R"("data_type":"AES","d\u0061ta":"00","extension":[{"data":"FF"}]}]})");
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().code(), StatusCode::kCorrupt);
  EXPECT_NE(keys.error().message().find("has an escape"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
