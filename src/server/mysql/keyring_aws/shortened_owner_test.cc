// SPDX-License-Identifier: MIT
#include "server/mysql/keyring_aws/shortened_owner.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace openkeyring {
namespace {

TEST(ShortenedOwner, KeepsWhatFitsTheBufferOfAMigration) {
  EXPECT_EQ(ShortenedOwner(""), "");
  EXPECT_EQ(ShortenedOwner("u@h"), "u@h");
  const std::string longest(95, 'o');
  EXPECT_EQ(ShortenedOwner(longest), longest);
  EXPECT_EQ(ShortenedOwner(longest + "x"), longest);
  EXPECT_EQ(ShortenedOwner(std::string(1024, 'o')), longest);
  EXPECT_TRUE(MayBeShortenedOwner(longest));
  EXPECT_FALSE(MayBeShortenedOwner("u@h"));
  EXPECT_FALSE(MayBeShortenedOwner(longest + "x"));
}

TEST(ShortenedOwner, LeavesNoPartOfACharacter) {
  for (const char* character :
       {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"}) {
    for (size_t before = 88; before < 96; ++before) {
      std::string owner(before, 'o');
      while (owner.size() < 120) owner += character;
      const std::string shortened = ShortenedOwner(owner);
      EXPECT_LE(shortened.size(), 95u);
      EXPECT_TRUE(IsUtf8(shortened)) << before << character;
      EXPECT_TRUE(MayBeShortenedOwner(shortened)) << shortened.size();
      EXPECT_TRUE(owner.starts_with(shortened));
    }
  }
}

}  // namespace
}  // namespace openkeyring
