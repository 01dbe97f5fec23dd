// SPDX-License-Identifier: MIT
#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "base/byte_codec.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

// The expected values were made with Python's `cryptography` (HKDF, AESGCM).

template <typename Array>
Array Counting(uint8_t first) {
  Array bytes{};
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

using Salt = std::array<uint8_t, 32>;
using Context = std::array<uint8_t, 16>;

class DerivedKeyAeadTest : public testing::Test {
 protected:
  static Secret DataKey(uint8_t first = 0) {
    return Secret::CopyOf(ByteView(Counting<Salt>(first)));
  }
  static std::unique_ptr<DerivedKeyAead> Make(uint8_t key = 0,
                                              uint8_t context = 0xa0) {
    Bytes info;
    PutBytes(info, AsBytes("openkeyring sealed record"));
    PutBytes(info, Counting<Context>(context));
    auto aead = DerivedKeyAead::Make(DataKey(key), info);
    EXPECT_TRUE(aead);
    return std::move(*aead);
  }

  const Salt salt_ = Counting<Salt>(1);
  const Secret text_ = Secret::CopyOf("sixteen byte key");
};

TEST_F(DerivedKeyAeadTest, GivesWhatAnotherImplementationGives) {
  EXPECT_EQ(HexEncode(*Make()->Seal(salt_, AsBytes("additional"), text_)),
            "2957d8631689465b902c4d5f510bc4ac984cb02c872d42e82e17ee144b49f274");
  EXPECT_EQ(HexEncode(*Make()->Seal(salt_, {}, Secret())),
            "d3a66350e023642c9c8e4854be7bfcad");
}

TEST_F(DerivedKeyAeadTest, OpensWhatAnotherImplementationSealed) {
  const auto sealed = HexDecode(
      "2957d8631689465b902c4d5f510bc4ac984cb02c872d42e82e17ee144b49f274");
  const auto opened = Make()->Open(salt_, AsBytes("additional"), *sealed);
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->RevealText(), "sixteen byte key");
}

TEST_F(DerivedKeyAeadTest, RoundTripsEverySizeAroundABlock) {
  const auto aead = Make();
  for (size_t size = 0; size < 70; ++size) {
    const Secret text = Secret::CopyOf(std::string(size, 'k'));
    const auto sealed = aead->Seal(salt_, AsBytes("a"), text);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->size(), size + kAeadTag);
    const auto opened = aead->Open(salt_, AsBytes("a"), *sealed);
    ASSERT_TRUE(opened) << size;
    EXPECT_TRUE(opened->Equals(text));
  }
}

TEST_F(DerivedKeyAeadTest, EveryFlippedBitAndEveryTruncationIsNoticed) {
  const auto aead = Make();
  const Bytes sealed = *aead->Seal(salt_, AsBytes("a"), text_);
  for (size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(aead->Open(salt_, AsBytes("a"), changed).status().code(),
              StatusCode::kCorrupt);
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(aead->Open(salt_, AsBytes("a"), ByteView(sealed).first(size))
                  .status()
                  .code(),
              StatusCode::kCorrupt);
  }
  EXPECT_TRUE(aead->Open(salt_, AsBytes("a"), sealed)) << "it still works";
}

TEST_F(DerivedKeyAeadTest, OpensOnlyWithAllThatItWasSealedWith) {
  const Bytes sealed = *Make()->Seal(salt_, AsBytes("a"), text_);
  const auto refused = [&](std::unique_ptr<DerivedKeyAead> by, ByteView salt,
                           std::string_view additional) {
    return by->Open(salt, AsBytes(additional), sealed).status().code() ==
           StatusCode::kCorrupt;
  };
  EXPECT_TRUE(refused(Make(1), salt_, "a")) << "another data key";
  EXPECT_TRUE(refused(Make(0, 0xa1), salt_, "a")) << "another context";
  EXPECT_TRUE(refused(Make(), Counting<Salt>(2), "a")) << "another salt";
  EXPECT_TRUE(refused(Make(), salt_, "b"));
  EXPECT_TRUE(refused(Make(), salt_, ""));
  EXPECT_FALSE(refused(Make(), salt_, "a"));
}

TEST_F(DerivedKeyAeadTest, OtherSaltsGiveOtherCiphertexts) {
  const auto aead = Make();
  const Bytes one = *aead->Seal(salt_, {}, text_);
  const Bytes two = *aead->Seal(Counting<Salt>(2), {}, text_);
  size_t same = 0;
  for (size_t i = 0; i < one.size(); ++i) same += one[i] == two[i];
  EXPECT_LT(same, 6u);
}

TEST_F(DerivedKeyAeadTest, NoKeyScheduleIsKeptBetweenCalls) {
  const auto aead = Make();
  const Bytes sealed = *aead->Seal(salt_, {}, text_);
  EXPECT_FALSE(aead->HoldsKeySchedule());
  ASSERT_TRUE(aead->Open(salt_, {}, sealed));
  EXPECT_FALSE(aead->HoldsKeySchedule());
}

}  // namespace
}  // namespace openkeyring
