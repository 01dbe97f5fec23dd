// SPDX-License-Identifier: MIT
#include "base/byte_codec.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace openkeyring {
namespace {

TEST(ByteCodec, NumbersAreBigEndianInAllOfTheirBytes) {
  Bytes out;
  PutNumber(out, uint8_t{0x01});
  PutNumber(out, uint16_t{0x0203});
  PutNumber(out, uint32_t{0x04050607});
  PutNumber(out, uint64_t{0xf8f9fafbfcfdfeff});
  EXPECT_EQ(out, (Bytes{1, 2, 3, 4, 5, 6, 7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd,
                        0xfe, 0xff}));
}

TEST(ByteCodec, WhatIsPutIsTaken) {
  const Bytes field = {9, 8, 7}, tail = {1, 2};
  Bytes out;
  PutNumber(out, uint64_t{0xf8f9fafbfcfdfeff});
  PutField(out, field);
  PutField(out, {});
  PutNumber(out, uint8_t{0xff});
  PutNumber(out, uint16_t{0xfffe});
  PutNumber(out, uint32_t{0xfffefdfc});
  PutBytes(out, tail);
  ByteReader reader(out);
  uint8_t one = 0;
  uint16_t two = 0;
  uint32_t four = 0;
  uint64_t eight = 0;
  ByteView taken;
  EXPECT_TRUE(reader.TakeNumber(eight));
  EXPECT_EQ(eight, 0xf8f9fafbfcfdfeff);
  EXPECT_TRUE(reader.TakeField(taken));
  EXPECT_EQ(Bytes(taken.begin(), taken.end()), field);
  EXPECT_TRUE(reader.TakeField(taken));
  EXPECT_TRUE(taken.empty());
  EXPECT_TRUE(reader.TakeNumber(one) && reader.TakeNumber(two) &&
              reader.TakeNumber(four));
  EXPECT_EQ(one, 0xff);
  EXPECT_EQ(two, 0xfffe);
  EXPECT_EQ(four, 0xfffefdfc);
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_TRUE(reader.TakeBytes(2, taken));
  EXPECT_EQ(Bytes(taken.begin(), taken.end()), tail);
  EXPECT_TRUE(reader.AtEnd());
}

TEST(ByteCodec, AFieldMayHaveAsManyBytesAsItsSizeCanSay) {
  const Bytes most(kMaxField, 0xab);
  Bytes out;
  PutField(out, most);
  ByteReader reader(out);
  ByteView taken;
  ASSERT_TRUE(reader.TakeField(taken));
  EXPECT_EQ(taken.size(), kMaxField);
  EXPECT_TRUE(reader.AtEnd());
}

TEST(ByteCodec, WhatIsNotWholeIsNotTakenAndNothingMoves) {
  Bytes whole;
  PutField(whole, Bytes{1, 2, 3});
  for (size_t size = 0; size < whole.size(); ++size) {
    ByteReader reader(ByteView(whole).first(size));
    ByteView taken;
    uint64_t number = 0;
    EXPECT_FALSE(reader.TakeField(taken)) << size;
    EXPECT_FALSE(reader.TakeNumber(number));
    EXPECT_FALSE(reader.TakeBytes(size + 1, taken));
    EXPECT_FALSE(reader.TakeBytes(SIZE_MAX, taken));
    EXPECT_EQ(reader.rest().size(), size);
    EXPECT_EQ(reader.AtEnd(), size == 0);
  }
}

}  // namespace
}  // namespace openkeyring
