// SPDX-License-Identifier: MIT
// Reader and writer against the worked examples of the specification (KMIP 1.4
// section 9.1.2, the same in all versions), and against damage.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "kmip/ttlv_fields.h"
#include "kmip/ttlv_reader.h"
#include "kmip/ttlv_writer.h"
#include "testing/ttlv_dump.h"

namespace openkeyring {
namespace {

constexpr KmipTag kTag = static_cast<KmipTag>(0x420020);

std::string Written(TtlvWriter& writer) {
  return HexEncode(writer.Finish().RevealBytes());
}

TtlvItem ReadOne(const Bytes& bytes) {
  TtlvReader reader(bytes);
  const Result<TtlvItem> item = reader.Take(kTag);
  EXPECT_TRUE(item) << item.status().message();
  EXPECT_TRUE(reader.AtEnd());
  return item.value_or(TtlvItem());
}

Bytes FromHex(std::string_view hex) { return *HexDecode(hex); }

TEST(TtlvExamples, Integer) {
  const std::string hex = "42002002000000040000000800000000";
  TtlvWriter writer;
  writer.Integer(kTag, 8);
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_EQ(*ReadOne(bytes).Integer(), 8);
}

TEST(TtlvExamples, LongInteger) {
  const std::string hex = "420020030000000801b69b4ba5749200";
  TtlvWriter writer;
  writer.LongInteger(kTag, 123456789000000000);
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_EQ(*ReadOne(bytes).LongInteger(), 123456789000000000);
}

TEST(TtlvExamples, BigInteger) {
  const std::string hex = "42002004000000100000000003fd35eb6bc2df4618080000";
  const Bytes bytes = FromHex(hex);
  const Result<ByteView> value = ReadOne(bytes).BigInteger();
  ASSERT_TRUE(value);
  EXPECT_EQ(HexEncode(*value), "0000000003fd35eb6bc2df4618080000");
  TtlvWriter writer;
  writer.BigInteger(kTag, *value);
  EXPECT_EQ(Written(writer), hex);
}

TEST(TtlvExamples, Enumeration) {
  const std::string hex = "4200200500000004000000ff00000000";
  TtlvWriter writer;
  writer.Enumeration(kTag, 255U);
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_EQ(*ReadOne(bytes).Enumeration(), 255U);
}

TEST(TtlvExamples, Boolean) {
  const std::string hex = "42002006000000080000000000000001";
  TtlvWriter writer;
  writer.Boolean(kTag, true);
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_TRUE(*ReadOne(bytes).Boolean());
}

TEST(TtlvExamples, TextString) {
  const std::string hex = "420020070000000b48656c6c6f20576f726c640000000000";
  TtlvWriter writer;
  writer.Text(kTag, "Hello World");
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_EQ(*ReadOne(bytes).Text(), "Hello World");
}

TEST(TtlvExamples, ByteString) {
  const std::string hex = "42002008000000030102030000000000";
  const Bytes bytes = FromHex(hex);
  const Result<ByteView> value = ReadOne(bytes).ByteString();
  ASSERT_TRUE(value);
  EXPECT_EQ(HexEncode(*value), "010203");
  TtlvWriter writer;
  writer.ByteString(kTag, *value);
  EXPECT_EQ(Written(writer), hex);
}

TEST(TtlvExamples, DateTime) {
  const std::string hex = "42002009000000080000000047da67f8";
  using std::chrono::operator""h, std::chrono::operator""min,
      std::chrono::operator""s;
  constexpr std::chrono::sys_days kDay{std::chrono::year(2008) / 3 / 14};
  TtlvWriter writer;
  writer.DateTime(kTag, kDay + 11h + 56min + 40s);
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_EQ(*ReadOne(bytes).DateTime(), kDay + 11h + 56min + 40s);
}

TEST(TtlvExamples, Interval) {
  const std::string hex = "4200200a00000004000d2f0000000000";
  constexpr uint32_t kTenDays = 10 * 24 * 3600;
  TtlvWriter writer;
  writer.Interval(kTag, kTenDays);
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_EQ(*ReadOne(bytes).Interval(), kTenDays);
}

TEST(TtlvExamples, Structure) {
  const std::string hex =
      "4200200100000020"
      "4200040500000004000000fe00000000"
      "4200050200000004000000ff00000000";
  constexpr auto kFirst = static_cast<KmipTag>(0x420004);
  constexpr auto kSecond = static_cast<KmipTag>(0x420005);
  TtlvWriter writer;
  {
    const TtlvStructure structure(writer, kTag);
    writer.Enumeration(kFirst, 254U);
    writer.Integer(kSecond, 255);
  }
  EXPECT_EQ(Written(writer), hex);
  const Bytes bytes = FromHex(hex);
  EXPECT_TRUE(CheckTtlv(bytes).ok());
  const Result<TtlvReader> inside = ReadOne(bytes).Structure();
  ASSERT_TRUE(inside);
  TtlvFields fields(*inside);
  EXPECT_EQ(fields.Enumeration<uint32_t>(kFirst), 254U);
  EXPECT_EQ(fields.Integer(kSecond), 255);
  EXPECT_TRUE(fields.status().ok());
}

TEST(TtlvReader, ExtendedDateTimeIsReadAsSecondsRoundedDown) {
  const Bytes bytes = FromHex("4200200b00000008ffffffffffffffff");
  EXPECT_EQ(ReadOne(bytes).DateTime()->time_since_epoch().count(), -1);
}

TEST(TtlvReader, NegativeNumbersAreKept) {
  TtlvWriter writer;
  writer.Integer(kTag, -5);
  writer.LongInteger(kTag, INT64_MIN);
  const Secret bytes = writer.Finish();
  TtlvReader reader(bytes.RevealBytes());
  EXPECT_EQ(*reader.Take()->Integer(), -5);
  EXPECT_EQ(*reader.Take()->LongInteger(), INT64_MIN);
}

TEST(TtlvReader, WhatIsWrongIsCorruptAndDoesNotMove) {
  const struct {
    const char* hex;
    const char* text;
  } cases[] = {
      {"", "ends in the head"},
      {"420020", "ends in the head"},
      {"4200200200000004000000", "longer than"},
      {"42002002000000080000000000000000", "length"},
      {"42002004000000040000000000000000", "length"},
      {"4200200400000000", "length"},
      {"42002001000000040000000000000000", "length"},
      {"42002006000000080000000000000002", "boolean"},
      {"42002002000000040000000800000001", "padding"},
      {"4200200c000000040000000800000000", "unknown type"},
      {"42002000000000040000000800000000", "unknown type"},
      {"42002008ffffffff0102030000000000", "longer than"},
  };
  for (const auto& one : cases) {
    const Bytes bytes = FromHex(one.hex);
    TtlvReader reader(bytes);
    const Result<TtlvItem> item = reader.Take();
    ASSERT_FALSE(item) << one.hex;
    EXPECT_EQ(item.error().code(), StatusCode::kCorrupt);
    EXPECT_NE(item.error().message().find(one.text), std::string::npos)
        << one.hex << ": " << item.error().message();
    EXPECT_EQ(reader.rest().size(), bytes.size());
  }
}

TEST(TtlvReader, AnotherTagDoesNotMove) {
  const Bytes bytes = FromHex("42002002000000040000000800000000");
  TtlvReader reader(bytes);
  EXPECT_FALSE(reader.Take(KmipTag::kName));
  EXPECT_TRUE(reader.Take(kTag));
}

TEST(TtlvReader, AnotherTypeNamesTheTag) {
  TtlvWriter writer;
  writer.Integer(KmipTag::kUniqueIdentifier, 1);
  const Secret bytes = writer.Finish();
  TtlvFields fields{TtlvReader(bytes.RevealBytes())};
  EXPECT_EQ(fields.Text(KmipTag::kUniqueIdentifier), "");
  EXPECT_EQ(fields.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(fields.status().message().find("UniqueIdentifier"),
            std::string::npos);
}

TEST(TtlvFields, OrderAndUnknownFieldsDoNotMatterButMissingOnesDo) {
  TtlvWriter writer;
  writer.Text(static_cast<KmipTag>(0x540001), "an extension");
  writer.Integer(KmipTag::kBatchCount, 3);
  writer.Text(KmipTag::kUniqueIdentifier, "id");
  const Secret bytes = writer.Finish();
  TtlvFields fields{TtlvReader(bytes.RevealBytes())};
  EXPECT_EQ(fields.Text(KmipTag::kUniqueIdentifier), "id");
  EXPECT_EQ(fields.Integer(KmipTag::kBatchCount), 3);
  EXPECT_FALSE(fields.OptionalText(KmipTag::kNameValue));
  EXPECT_TRUE(fields.status().ok());
  EXPECT_EQ(fields.Text(KmipTag::kNameValue), "");
  EXPECT_EQ(fields.status().message(), "KMIP: NameValue is missing");
}

TEST(CheckTtlv, TooDeepNestingIsRefusedNotFollowed) {
  Bytes bytes;
  for (int depth = 0; depth < 40; ++depth) {
    TtlvWriter writer;
    writer.Item({kTag, TtlvType::kStructure, bytes});
    const Secret wrapped = writer.Finish();
    bytes.assign(wrapped.RevealBytes().begin(), wrapped.RevealBytes().end());
  }
  EXPECT_EQ(CheckTtlv(bytes).code(), StatusCode::kCorrupt);
  EXPECT_FALSE(DumpTtlv(bytes).empty());
}

TEST(CheckTtlv, EveryCutIsNoticed) {
  const Bytes whole = FromHex(
      "42002001000000204200040500000004000000fe00000000"
      "4200050200000004000000ff00000000");
  ASSERT_TRUE(CheckTtlv(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(CheckTtlv(ByteView(whole).first(size)).ok()) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(CheckTtlv(longer).ok());
}

TEST(TtlvMessageSize, BoundsAndNames) {
  const Bytes head = FromHex("42007b0100000010");
  EXPECT_EQ(*TtlvMessageSize(head, KmipTag::kResponseMessage, 16), 24U);
  EXPECT_FALSE(TtlvMessageSize(head, KmipTag::kResponseMessage, 15));
  EXPECT_FALSE(TtlvMessageSize(head, KmipTag::kRequestMessage, 16));
  const Bytes http = FromHex("485454502f312e31");
  EXPECT_FALSE(TtlvMessageSize(http, KmipTag::kResponseMessage, 1 << 30));
}

TEST(DumpTtlv, ShowsStructureAndHidesSecrets) {
  TtlvWriter writer;
  {
    const TtlvStructure message(writer, KmipTag::kResponseMessage);
    writer.Enumeration(KmipTag::kOperation, 0x0AU);
    writer.ByteString(KmipTag::kUniqueBatchItemID, AsBytes("\x01"));
    writer.Text(KmipTag::kUniqueIdentifier, "a\"\n");
    {
      const TtlvStructure block(writer, KmipTag::kKeyValue);
      writer.ByteString(KmipTag::kKeyMaterial, AsBytes("sesame"));
      writer.Text(static_cast<KmipTag>(0x540001), "sesame");
      writer.Integer(static_cast<KmipTag>(0x540002), 1234567);
    }
    writer.Text(KmipTag::kPassword, "sesame");
    writer.ByteString(KmipTag::kDigestValue, AsBytes("sesame"));
  }
  const Secret bytes = writer.Finish();
  EXPECT_EQ(DumpTtlv(bytes.RevealBytes()),
            "ResponseMessage\n"
            "  Operation Enum Get\n"
            "  UniqueBatchItemID Bytes 01\n"
            "  UniqueIdentifier Text \"a\\x22\\x0a\"\n"
            "  KeyValue\n"
            "    KeyMaterial Bytes (6 bytes hidden)\n"
            "    0x540001 Text (6 bytes hidden)\n"
            "    0x540002 Integer (4 bytes hidden)\n"
            "  Password Text (6 bytes hidden)\n"
            "  DigestValue Bytes (6 bytes hidden)\n");
}

TEST(DumpTtlv, BrokenMessageIsShownUpToTheFault) {
  const Bytes bytes = FromHex("42002002000000040000000800000000420020");
  EXPECT_EQ(DumpTtlv(bytes),
            "CompromiseDate Integer 8\n"
            "(KMIP: the message ends in the head of an item)\n");
}

}  // namespace
}  // namespace openkeyring
