// SPDX-License-Identifier: MIT
#include "crypto/digest.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <numeric>
#include <string>

#include "base/encoding.h"
#include "crypto/aead.h"

namespace openkeyring {
namespace {

// While it lives, no provider has what is asked for, as under FIPS without a
// FIPS module.
class NoAlgorithms {
 public:
  NoAlgorithms() { EVP_set_default_properties(nullptr, "fips=yes"); }
  ~NoAlgorithms() { EVP_set_default_properties(nullptr, ""); }
};

const Secret& Key() {
  static const Secret key = Secret::CopyOf("Jefe");
  return key;
}

TEST(Digest, Sha256IsSha256) {
  EXPECT_EQ(HexEncode(*Sha256(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, HmacIsAsInRfc4231) {
  EXPECT_EQ(
      HexEncode(*HmacSha256(Key(), AsBytes("what do ya want for nothing?"))),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digest, HasherGivesTheSameAgainAndAgain) {
  auto hasher = Sha256Hasher::Make();
  ASSERT_TRUE(hasher);
  Digest256 digest;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(hasher->Digest({AsBytes("a"), {}, AsBytes("bc")}, digest).ok());
    EXPECT_EQ(digest, *Sha256(AsBytes("abc")));
    ASSERT_TRUE(hasher->Digest({}, digest).ok());
    EXPECT_EQ(digest, *Sha256({}));
    hasher->Wipe();
  }
}

TEST(Digest, HasherGivesOpenSslsHmacForKeysOfEverySize) {
  auto hasher = Sha256Hasher::Make();
  ASSERT_TRUE(hasher);
  for (size_t size = 0; size <= 200; ++size) {
    const Bytes key(size, 0xaa);
    Digest256 mac = {1, 2, 3};
    const auto expected =
        HmacSha256(Secret::CopyOf(ByteView(key)), Bytes{1, 2, 3, 9});
    ASSERT_TRUE(expected);
    // The first part is where the answer goes.
    ASSERT_TRUE(
        hasher->Hmac(key, {ByteView(mac).first(3), Bytes{9}}, mac).ok());
    EXPECT_EQ(mac, *expected) << size;
  }
}

std::string Derived(const Bytes& key, const Bytes& salt, const Bytes& info,
                    size_t size) {
  Bytes derived(size);
  auto hkdf = HkdfSha256::Make();
  EXPECT_TRUE(hkdf);
  EXPECT_TRUE(
      hkdf->Derive(Secret::CopyOf(ByteView(key)), salt, info, derived).ok());
  return HexEncode(derived);
}

Bytes Counting(uint8_t first, uint8_t last) {
  Bytes bytes(last - first + 1);
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

TEST(Digest, HkdfIsAsInRfc5869) {
  EXPECT_EQ(Derived(Bytes(22, 0x0b), Counting(0, 12), Counting(0xf0, 0xf9), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
            "34007208d5b887185865");
  EXPECT_EQ(Derived(Counting(0, 0x4f), Counting(0x60, 0xaf),
                    Counting(0xb0, 0xff), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(Derived(Bytes(22, 0x0b), {}, {}, 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

TEST(Digest, EqualityComparesSizesToo) {
  const Digest256 digest = *Sha256({});
  EXPECT_TRUE(DigestsEqual(digest, *Sha256({})));
  EXPECT_FALSE(DigestsEqual(digest, ByteView(digest).first(31)));
  EXPECT_FALSE(DigestsEqual(digest, *Sha256(AsBytes("abc"))));
  EXPECT_TRUE(DigestsEqual({}, {}));
}

TEST(Digest, WhatOpenSslRefusesIsAnErrorAndNotADigest) {
  const NoAlgorithms none;
  EXPECT_EQ(Sha256(AsBytes("abc")).status().code(), StatusCode::kInternal);
  EXPECT_EQ(HmacSha256(Key(), AsBytes("abc")).status().code(),
            StatusCode::kInternal);
  EXPECT_EQ(HkdfSha256::Make().status().code(), StatusCode::kInternal);
  EXPECT_EQ(Sha256Hasher::Make().status().code(), StatusCode::kInternal);
  EXPECT_EQ(DerivedKeyAead::Make(Key(), {}).status().code(),
            StatusCode::kInternal);
}

}  // namespace
}  // namespace openkeyring
