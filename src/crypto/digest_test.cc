// SPDX-License-Identifier: MIT
#include "crypto/digest.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

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

TEST(Digest, HkdfIsAsInRfc5869) {
  const Bytes salt = *HexDecode("000102030405060708090a0b0c");
  const Bytes info = *HexDecode("f0f1f2f3f4f5f6f7f8f9");
  const Secret key = Secret::CopyOf(ByteView(Bytes(22, 0x0b)));
  const auto derived = HkdfSha256::Make()->Derive(key, salt, info, 42);
  ASSERT_TRUE(derived);
  EXPECT_EQ(HexEncode(derived->RevealBytes()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
            "34007208d5b887185865");
}

TEST(Digest, EqualityComparesSizesToo) {
  const Digest256 digest = *Sha256({});
  EXPECT_TRUE(DigestsEqual(digest, *Sha256({})));
  EXPECT_FALSE(DigestsEqual(digest, ByteView(digest).first(31)));
  EXPECT_FALSE(DigestsEqual(digest, *Sha256(AsBytes("abc"))));
  EXPECT_TRUE(DigestsEqual({}, {}));
}

TEST(Digest, WhatOpenSslRefusesIsAnErrorAndNotADigest) {
  const auto hkdf = HkdfSha256::Make();
  ASSERT_TRUE(hkdf);
  const NoAlgorithms none;
  EXPECT_EQ(Sha256(AsBytes("abc")).status().code(), StatusCode::kInternal);
  EXPECT_EQ(HmacSha256(Key(), AsBytes("abc")).status().code(),
            StatusCode::kInternal);
  EXPECT_EQ(HkdfSha256::Make().status().code(), StatusCode::kInternal);
  EXPECT_EQ(hkdf->Derive(Key(), {}, {}, 32).status().code(),
            StatusCode::kInternal);
  EXPECT_EQ(DerivedKeyAead::Make(Key(), {}).status().code(),
            StatusCode::kInternal);
}

}  // namespace
}  // namespace openkeyring
