// SPDX-License-Identifier: MIT
#include "base/byte_codec.h"

#include <gtest/gtest.h>

#include <string>

namespace openkeyring {
namespace {

TEST(ByteCodec, NumbersAreBigEndian) {
  Bytes out;
  PutNumber(out, uint8_t{0x01});
  PutNumber(out, uint16_t{0x0203});
  PutNumber(out, uint32_t{0x04050607});
  PutNumber(out, uint64_t{0x08090a0b0c0d0e0f});
  ASSERT_EQ(out.size(), 15u);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], i + 1);
}

TEST(ByteCodec, NumbersRoundTripAtTheirEnds) {
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{0x80}, uint64_t{0xffffffff},
        uint64_t{1} << 63, ~uint64_t{0}}) {
    Bytes out;
    PutNumber(out, value);
    PutNumber(out, static_cast<uint32_t>(value));
    PutNumber(out, static_cast<uint16_t>(value));
    PutNumber(out, static_cast<uint8_t>(value));
    ByteReader reader(out);
    uint64_t eight = 9;
    uint32_t four = 9;
    uint16_t two = 9;
    uint8_t one = 9;
    ASSERT_TRUE(reader.TakeNumber(eight) && reader.TakeNumber(four) &&
                reader.TakeNumber(two) && reader.TakeNumber(one));
    EXPECT_TRUE(reader.AtEnd());
    EXPECT_EQ(eight, value);
    EXPECT_EQ(four, static_cast<uint32_t>(value));
    EXPECT_EQ(two, static_cast<uint16_t>(value));
    EXPECT_EQ(one, static_cast<uint8_t>(value));
  }
}

TEST(ByteCodec, FieldsRoundTripFromEmptyToTheLargest) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{256}, kMaxField}) {
    Bytes out;
    PutField(out, AsBytes(std::string(size, 'x')));
    PutField(out, AsBytes("next"));
    ASSERT_EQ(out.size(), 2 + size + 6);
    ByteReader reader(out);
    ByteView first, second;
    ASSERT_TRUE(reader.TakeField(first) && reader.TakeField(second));
    EXPECT_EQ(AsText(first), std::string(size, 'x'));
    EXPECT_EQ(AsText(second), "next");
    EXPECT_TRUE(reader.AtEnd());
  }
}

TEST(ByteCodec, AReaderThatFailsDoesNotMove) {
  Bytes field;
  PutField(field, AsBytes("abc"));
  for (size_t size = 0; size < field.size(); ++size) {
    ByteReader reader(ByteView(field).first(size));
    ByteView taken;
    EXPECT_FALSE(reader.TakeField(taken)) << size;
    EXPECT_EQ(reader.rest().size(), size);
    EXPECT_FALSE(reader.TakeBytes(size + 1, taken));
    EXPECT_EQ(reader.rest().size(), size);
    uint64_t number = 0;
    EXPECT_FALSE(reader.TakeNumber(number));
    EXPECT_EQ(reader.rest().size(), size);
  }
}

TEST(ByteCodec, WhatIsTakenBorrowsAndNothingIsLeftOut) {
  const Bytes bytes = {1, 2, 3, 4, 5};
  ByteReader reader(bytes);
  ByteView none, two;
  ASSERT_TRUE(reader.TakeBytes(0, none) && reader.TakeBytes(2, two));
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(two.data(), bytes.data());
  EXPECT_EQ(reader.rest().data(), bytes.data() + 2);
  EXPECT_FALSE(reader.AtEnd());
}

}  // namespace
}  // namespace openkeyring
