// SPDX-License-Identifier: MIT
#include "storage/percona/json_keyring_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;

// The blob 01 02 03; its base64 text is "AQID".
constexpr char kPerconaFile[] =
    R"({"version":"1.0","elements":[{"user":"","data_id":"k","data_type":"AES",)"
    R"("data":"41514944","extension":[]}]})";
constexpr char kOracleFile[] =
    R"({"version":"1.0","elements":[{"user":"mary@%","data_id":"k",)"
    R"("data_type":"SECRET","data":"010203","extension":[]}]})";

Result<JsonKeyring> Parse(std::string_view text) {
  return JsonKeyring::Parse(AsBytes(text));
}

std::string Written(const JsonKeyring& keyring) {
  return std::string(AsText(*keyring.Write()));
}

// A file with one element, whose members are these.
std::string WithMembers(const std::string& members) {
  return "{\"version\":\"1.0\",\"elements\":[{" + members + "}]}";
}
std::string WithData(const std::string& data) {
  return WithMembers(R"("user":"u","data_id":"k","data_type":"AES","data":")" +
                     data + R"(","extension":[])");
}

TEST(JsonKeyringTest, PerconaFileIsReadAndWrittenToTheByte) {
  const auto keyring = Parse(kPerconaFile);
  ASSERT_TRUE(keyring) << keyring.error().message();
  ASSERT_EQ(keyring->size(), 1u);
  EXPECT_EQ(keyring->element(0).name, (KeyName{"k", ""}));
  EXPECT_EQ(keyring->element(0).type, "AES");
  EXPECT_EQ(keyring->element(0).wrapped.blob, (Bytes{1, 2, 3}));
  EXPECT_EQ(keyring->element(0).wrapped.wrapping_key, "");
  EXPECT_EQ(keyring->encoding(), JsonEncoding::kPercona);
  EXPECT_EQ(Written(*keyring), kPerconaFile);
}

TEST(JsonKeyringTest, OracleFileIsReadAndWrittenToTheByte) {
  const auto keyring = Parse(kOracleFile);
  ASSERT_TRUE(keyring) << keyring.error().message();
  EXPECT_EQ(keyring->element(0).name, (KeyName{"k", "mary@%"}));
  EXPECT_EQ(keyring->element(0).wrapped.blob, (Bytes{1, 2, 3}));
  EXPECT_EQ(keyring->encoding(), JsonEncoding::kOracle);
  EXPECT_EQ(Written(*keyring), kOracleFile);
}

TEST(JsonKeyringTest, EmptyKeyringIsPerconas) {
  EXPECT_EQ(Written(JsonKeyring()), R"({"version":"1.0","elements":[]})");
  JsonKeyring keyring;
  ASSERT_TRUE(keyring.Add({"k", ""}, "AES", {{1, 2, 3}, ""}).ok());
  EXPECT_EQ(Written(keyring), kPerconaFile);
}

TEST(JsonKeyringTest, NewElementsTakeTheEncodingOfThoseThere) {
  auto keyring = Parse(kOracleFile);
  ASSERT_TRUE(keyring->Add({"n", ""}, "AES", {{1, 0xab}, ""}).ok());
  EXPECT_THAT(Written(*keyring), HasSubstr("\"data\":\"01AB\""));
  EXPECT_EQ(Parse(Written(*keyring))->element(1).wrapped.blob,
            (Bytes{1, 0xab}));
}

TEST(JsonKeyringTest, EncodingIsFoundOutForEachElement) {
  std::string text = kPerconaFile;
  text.insert(text.rfind("]}"),
              R"(,{"user":"u","data_id":"k","data_type":"AES",)"
              R"("data":"010203","extension":[]})");
  const auto mixed = Parse(text);
  ASSERT_TRUE(mixed) << mixed.error().message();
  EXPECT_EQ(mixed->element(0).encoding, JsonEncoding::kPercona);
  EXPECT_EQ(mixed->element(1).encoding, JsonEncoding::kOracle);
  EXPECT_EQ(mixed->element(0).wrapped.blob, mixed->element(1).wrapped.blob);
}

TEST(JsonKeyringTest, UnknownMembersSurviveInTheirPlaces) {
  const std::string text =
      R"({"a":[1,{"b":null}],"version":"1.0","note":"x","elements":[)"
      R"({"z":1.5,"user":"u","data_id":"k","more":{"deep":[true]},)"
      R"("data_type":"AES","data":"010203","extension":[7],"tail":"t"}],)"
      R"("last":-7})";
  auto keyring = Parse(text);
  ASSERT_TRUE(keyring) << keyring.error().message();
  EXPECT_EQ(Written(*keyring), text);
  ASSERT_TRUE(keyring->Add({"n", ""}, "AES", {{1}, ""}).ok());
  ASSERT_TRUE(keyring->Remove({"n", ""}).ok());
  EXPECT_EQ(Written(*keyring), text);
  ASSERT_TRUE(keyring->SetWrapped(0, {{1, 2}, "arn"}).ok());
  std::string changed = text;
  changed.replace(changed.find("010203"), 6, "0102");
  EXPECT_EQ(Written(*keyring), changed);
}

TEST(JsonKeyringTest, ReaderTakesEitherCaseAndBlanksInBase64) {
  // "AQ\nID\r\n", as some encoders break lines.
  const auto keyring = Parse(WithData("41510a49440d0A"));
  ASSERT_TRUE(keyring);
  EXPECT_EQ(keyring->element(0).wrapped.blob, (Bytes{1, 2, 3}));
  EXPECT_EQ(keyring->element(0).encoding, JsonEncoding::kPercona);
}

TEST(JsonKeyringTest, DataThatIsNotHexIsRefusedNamingTheKey) {
  for (const char* data : {"0x", "4151494g", "415", ""}) {
    const auto keyring = Parse(WithData(data));
    ASSERT_FALSE(keyring) << data;
    EXPECT_EQ(keyring.error().code(), StatusCode::kCorrupt);
    EXPECT_THAT(keyring.error().message(),
                HasSubstr("element 0: key \"k\" of \"u\""));
    EXPECT_THAT(keyring.error().message(), Not(HasSubstr("4151")));
  }
}

TEST(JsonKeyringTest, BlobsHaveTheSizesThatKmsMakes) {
  EXPECT_TRUE(Parse(WithData(HexEncode(Bytes(6144, 1)))));
  EXPECT_FALSE(Parse(WithData(HexEncode(Bytes(6145, 1)))));
  EXPECT_FALSE(Parse(WithData(std::string(1 << 20, '0'))));
  EXPECT_TRUE(
      Parse(WithData(HexEncode(AsBytes(Base64Encode(Bytes(6144, 1)))))));
  JsonKeyring keyring;
  EXPECT_EQ(keyring.Add({"k", ""}, "AES", {Bytes(6145, 1), ""}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keyring.Add({"k", ""}, "AES", {{}, ""}).code(),
            StatusCode::kInvalidArgument);
}

TEST(JsonKeyringTest, BlobThatWouldBeReadAsAnotherIsNotWritten) {
  const WrappedKey text{{'A', 'Q', 'I', 'D'}, ""};
  auto keyring = Parse(kOracleFile);
  EXPECT_EQ(keyring->Add({"n", ""}, "AES", text).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keyring->SetWrapped(0, text).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Written(*keyring), kOracleFile);
  keyring = Parse(kPerconaFile);
  ASSERT_TRUE(keyring->Add({"n", ""}, "AES", text).ok());
  EXPECT_EQ(Parse(Written(*keyring))->element(1).wrapped.blob, text.blob);
}

TEST(JsonKeyringTest, EveryNameIsThereOnce) {
  std::string text = kPerconaFile;
  const size_t begin = text.find("{\"user\""), end = text.rfind("]}");
  text.insert(end, "," + text.substr(begin, end - begin));
  const auto keyring = Parse(text);
  ASSERT_FALSE(keyring);
  EXPECT_THAT(keyring.error().message(), HasSubstr("element 1 (key \"k\")"));
  auto one = Parse(kPerconaFile);
  EXPECT_EQ(one->Add({"k", ""}, "AES", {{1}, ""}).code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(one->Add({"k", "somebody"}, "AES", {{1}, ""}).ok());
}

TEST(JsonKeyringTest, ElementsNeedTheirFiveMembers) {
  const std::string whole =
      R"("user":"","data_id":"k","data_type":"AES","data":"01","extension":[])";
  ASSERT_TRUE(Parse(WithMembers(whole)));
  for (const char* member :
       {"user", "data_id", "data_type", "data\"", "extension"}) {
    std::string without = whole;
    without.replace(without.find(member), 2, "xx");
    const auto keyring = Parse(WithMembers(without));
    ASSERT_FALSE(keyring) << member;
    EXPECT_THAT(keyring.error().message(), HasSubstr("element 0"));
  }
  for (const char* wrong :
       {R"("user":1,"data_id":"k","data_type":"A","data":"01","extension":[])",
        R"("user":"","data_id":"k","data_type":"","data":"01","extension":[])",
        R"("user":"","data_id":"","data_type":"A","data":"01","extension":[])",
        R"("user":"","data_id":"k","data_type":"A","data":"01","extension":{})",
        R"("user":"","data_id":"k\u0000","data_type":"A","data":"01",)"
        R"("extension":[])"}) {
    EXPECT_EQ(Parse(WithMembers(wrong)).status().code(), StatusCode::kCorrupt)
        << wrong;
  }
}

TEST(JsonKeyringTest, WhatIsNotAKeyFileIsCorrupt) {
  for (const char* text :
       {"", "x", "[]", "{}", R"({"version":"1.0"})", R"({"elements":[]})",
        R"({"version":1.0,"elements":[]})",
        R"({"version":"1.0","elements":{}})",
        R"({"version":"1.0","elements":[1]})",
        R"({"version":"1.0","elements":[[]]})",
        R"({"version":"1.0","elements":[],"elements":[]})"}) {
    EXPECT_EQ(Parse(text).status().code(), StatusCode::kCorrupt) << text;
  }
}

TEST(JsonKeyringTest, UnknownVersionIsNotTakenForDamage) {
  const auto keyring = Parse(R"({"version":"2.0","elements":[]})");
  EXPECT_EQ(keyring.status().code(), StatusCode::kMisconfigured);
}

TEST(JsonKeyringTest, NamesThatJsonCannotHoldAreNotWritten) {
  const WrappedKey wrapped{{1}, ""};
  JsonKeyring keyring;
  const auto refused = [&](const KeyName& name, std::string_view type) {
    return keyring.Add(name, type, wrapped).code() ==
           StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused({"", ""}, "AES"));
  EXPECT_TRUE(refused({"k", ""}, ""));
  EXPECT_TRUE(refused({"\xff", ""}, "AES"));
  EXPECT_TRUE(refused({"k", "\xc3"}, "AES"));
  EXPECT_TRUE(refused({"k", ""}, "\xed\xa0\x80"));
  EXPECT_TRUE(refused({std::string("k\0k", 3), ""}, "AES"));
  EXPECT_EQ(keyring.size(), 0u);
}

TEST(JsonKeyringTest, AwkwardNamesComeBackAsTheyWere) {
  const KeyName name{"a\"b\\c/\x01\x7f\n\xf0\x9f\x94\x91", "\xe2\x82\xac@%"};
  JsonKeyring keyring;
  ASSERT_TRUE(keyring.Add(name, "\t", {{1}, ""}).ok());
  const auto read = Parse(Written(keyring));
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_NE(read->Find(name), nullptr);
  EXPECT_EQ(read->Find(name)->type, "\t");
}

TEST(JsonKeyringTest, RemovedElementIsGoneAndOthersStay) {
  auto keyring = Parse(kPerconaFile);
  ASSERT_TRUE(keyring->Add({"n", "u"}, "AES", {{1}, ""}).ok());
  ASSERT_TRUE(keyring->Remove({"k", ""}).ok());
  EXPECT_EQ(keyring->Find({"k", ""}), nullptr);
  EXPECT_EQ(Parse(Written(*keyring))->size(), 1u);
  EXPECT_EQ(keyring->Remove({"k", ""}).code(), StatusCode::kNotFound);
  EXPECT_EQ(keyring->Remove({"n", ""}).code(), StatusCode::kNotFound);
}

TEST(JsonKeyringTest, FileTooLargeToBeReadIsNotWritten) {
  JsonKeyring keyring;
  ASSERT_TRUE(keyring.Add({"k", ""}, "AES", {{1, 2, 3}, ""}).ok());
  const size_t size = sizeof kPerconaFile - 1;
  EXPECT_TRUE(keyring.Write(size + 1));  // A comma's room.
  EXPECT_EQ(keyring.Write(size - 1).status().code(),
            StatusCode::kInvalidArgument);
  const std::string large = kPerconaFile + std::string(kMaxJsonKeyring, ' ');
  EXPECT_EQ(Parse(large).status().code(), StatusCode::kCorrupt);
}

TEST(JsonKeyringTest, CutFileIsNeverTakenForAWholeOne) {
  for (const std::string text : {kPerconaFile, kOracleFile}) {
    for (size_t size = 0; size < text.size(); ++size) {
      EXPECT_EQ(Parse(text.substr(0, size)).status().code(),
                StatusCode::kCorrupt)
          << size;
    }
  }
}

}  // namespace
}  // namespace openkeyring
