// SPDX-License-Identifier: MIT
#include "emulators/kms/blob.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "testing/fakes.h"

namespace kms_emulator {
namespace {

using openkeyring::AsBytes;

const std::string kKeyId = "01234567-89ab-cdef-0123-456789abcdef";

BackingKey SomeKey(char digit) {
  return {std::string(64, digit), Bytes(32, static_cast<uint8_t>(digit)), 0,
          ""};
}

Bytes Seal(const Context& context, std::string_view text) {
  openkeyring::FakeRandom random;
  return SealBlob(random, kKeyId, SomeKey('a'), context, AsBytes(text)).value();
}

TEST(EmulatorBlob, RoundTripsUnderItsKeyAndContext) {
  const Bytes blob = Seal({{"a", "1"}}, "text");
  EXPECT_EQ(blob[0], 1);
  const auto name = ReadBlobName(blob);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->key_id, kKeyId);
  EXPECT_EQ(name->material_prefix, std::string(32, 'a'));
  const auto text = OpenBlob(blob, SomeKey('a'), {{"a", "1"}});
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(openkeyring::AsText(*text), "text");
}

TEST(EmulatorBlob, AnotherKeyOrContextIsCorrupt) {
  const Bytes blob = Seal({{"a", "1"}}, "text");
  EXPECT_FALSE(OpenBlob(blob, SomeKey('b'), {{"a", "1"}}));
  EXPECT_FALSE(OpenBlob(blob, SomeKey('a'), {}));
  EXPECT_FALSE(OpenBlob(blob, SomeKey('a'), {{"a", "2"}}));
  // The border between name and value counts.
  EXPECT_FALSE(OpenBlob(blob, SomeKey('a'), {{"a1", ""}}));
}

TEST(EmulatorBlob, EveryFlippedBitAndEveryCutIsNoticed) {
  const Bytes blob = Seal({}, "text");
  for (size_t i = 0; i < blob.size(); ++i) {
    Bytes spoilt = blob;
    spoilt[i] ^= 1;
    EXPECT_FALSE(OpenBlob(spoilt, SomeKey('a'), {})) << "byte " << i;
    EXPECT_FALSE(OpenBlob(ByteView(blob).first(i), SomeKey('a'), {}));
    (void)ReadBlobName(ByteView(blob).first(i));  // Reads nothing beyond.
  }
}

}  // namespace
}  // namespace kms_emulator
