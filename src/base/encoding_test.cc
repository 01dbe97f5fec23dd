// SPDX-License-Identifier: MIT
#include "base/encoding.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace openkeyring {
namespace {

using std::string_literals::operator""s;

std::string Decoded(std::string_view text) {
  const Result<Bytes> bytes = Base64Decode(text);
  return bytes ? std::string(AsText(*bytes)) : "(" + bytes.error().ToString();
}

// RFC 4648 section 10.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7>
    kRfcVectors = {{{"", ""},
                    {"f", "Zg=="},
                    {"fo", "Zm8="},
                    {"foo", "Zm9v"},
                    {"foob", "Zm9vYg=="},
                    {"fooba", "Zm9vYmE="},
                    {"foobar", "Zm9vYmFy"}}};

TEST(Base64, AgreesWithTheVectorsOfRfc4648) {
  for (const auto& [plain, encoded] : kRfcVectors) {
    EXPECT_EQ(Base64Encode(AsBytes(plain)), encoded);
    EXPECT_EQ(Decoded(encoded), plain);
  }
}

TEST(Base64, RoundTripsEveryByteAtEveryPlace) {
  Bytes bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<uint8_t>(i));
  for (size_t size = 0; size < 256; ++size) {
    const ByteView part = ByteView(bytes).last(size);
    const Result<Bytes> back = Base64Decode(Base64Encode(part));
    ASSERT_TRUE(back);
    EXPECT_EQ(AsText(*back), AsText(part));
  }
}

TEST(Base64, UsesTheAlphabetWithPlusAndSlash) {
  EXPECT_EQ(Base64Encode(Bytes{0xfb, 0xff, 0xbf}), "+/+/");
  EXPECT_EQ(Decoded("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, RefusesWhatIsNotExactlyBase64) {
  for (const std::string& bad :
       {"Zg"s, "Zg="s, "Zg==="s, "Z"s, "===="s, "="s, "Z==="s, "Zg==Zg=="s,
        "Zm9v\n"s, "Zm 9"s, "Zm9v\r\nYg=="s, "-_-_"s, "Zm9\0"s, "Zm9\xc3"s,
        "=Zm9"s, "Zm=v"s}) {
    const Result<Bytes> bytes = Base64Decode(bad);
    ASSERT_FALSE(bytes) << bad;
    EXPECT_EQ(bytes.error().code(), StatusCode::kInvalidArgument);
  }
}

TEST(Base64, RefusesBitsThatWouldBeLost) {
  EXPECT_TRUE(Base64Decode("Zg=="));
  for (const char* bad : {"Zh==", "Zj==", "Zn==", "Zm9=", "Zm+="}) {
    EXPECT_FALSE(Base64Decode(bad)) << bad;
  }
}

TEST(Base64, OfASecretIsTheSameAndStaysSecret) {
  for (const auto& [plain, encoded] : kRfcVectors) {
    Secret out = Secret::CopyOf(std::string_view("key="));
    Base64EncodeTo(Secret::CopyOf(plain), out);
    EXPECT_EQ(out.RevealText(), "key=" + std::string(encoded));
    const Result<Secret> back = Base64DecodeSecret(encoded);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->RevealText(), plain);
  }
  EXPECT_FALSE(Base64DecodeSecret("Zh=="));
  EXPECT_FALSE(Base64DecodeSecret("Zg"));
}

TEST(Base64, ErrorsDoNotQuoteTheText) {
  const Result<Secret> bad = Base64DecodeSecret("hunter2!");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message().find("hunter2"), std::string::npos);
}

TEST(Hex, IsLowerCaseAndReadInEitherCase) {
  EXPECT_EQ(HexEncode(Bytes{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
  EXPECT_EQ(*HexDecode("000fA5fF"), (Bytes{0x00, 0x0f, 0xa5, 0xff}));
  EXPECT_EQ(HexEncode({}), "");
  EXPECT_TRUE(HexDecode("")->empty());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  for (const char* bad : {"0", "000", "0g", "g0", " 00", "0x00", "+1", "-1"}) {
    ASSERT_FALSE(HexDecode(bad)) << bad;
    EXPECT_EQ(HexDecode(bad).error().code(), StatusCode::kInvalidArgument);
  }
}

TEST(PercentEncode, KeepsOnlyTheUnreservedCharacters) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  EXPECT_EQ(PercentEncode(kPlain), kPlain);
  for (int i = 0; i < 256; ++i) {
    const std::string one(1, static_cast<char>(i));
    if (kPlain.find(one) != std::string_view::npos) continue;
    const std::string encoded = PercentEncode(one);
    ASSERT_EQ(encoded.size(), 3u);
    EXPECT_EQ(PercentDecode(encoded), one);
  }
  EXPECT_EQ(PercentEncode(" /+\xc3\xbc"), "%20%2F%2B%C3%BC");
}

TEST(PercentEncode, KeepsTheSlashWhenAsked) {
  EXPECT_EQ(PercentEncode("/a b/c", true), "/a%20b/c");
  EXPECT_EQ(PercentEncode("/a b/c", false), "%2Fa%20b%2Fc");
}

TEST(PercentDecode, LeavesAPercentWithoutTwoDigitsAlone) {
  EXPECT_EQ(PercentDecode("100%"), "100%");
  EXPECT_EQ(PercentDecode("%4"), "%4");
  EXPECT_EQ(PercentDecode("%4g%"), "%4g%");
  EXPECT_EQ(PercentDecode("%%41"), "%A");
  EXPECT_EQ(PercentDecode("%41%4a%4A"), "AJJ");
  EXPECT_EQ(PercentDecode("%00"), "\0"s);
  EXPECT_EQ(PercentDecode("%2541"), "%41") << "decoded once only";
}

TEST(PercentDecode, ReadsPlusAsABlankOnlyInForms) {
  EXPECT_EQ(PercentDecode("a+b%2B"), "a+b+");
  EXPECT_EQ(PercentDecode("a+b%2B", true), "a b+");
}

TEST(AsciiLower, ChangesAsciiCapitalsOnly) {
  EXPECT_EQ(AsciiLower("AZaz09[@\xc3\x84"), "azaz09[@\xc3\x84");
}

TEST(Trim, TakesBlanksAndLineEndsOffBothEnds) {
  EXPECT_EQ(Trim(" \t\r\na b\n "), "a b");
  EXPECT_EQ(Trim("ab"), "ab");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
  EXPECT_EQ(Trim("\va\v"), "\va\v");
}

TEST(Encoding, Utf8IsThatOfTheRfc) {
  for (const char* good : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf",
                           "\xf0\x9f\x94\x91", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xc3z", "\xff", "\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << HexEncode(AsBytes(bad));
  }
}

}  // namespace
}  // namespace openkeyring
