// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace openkeyring {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(Printable<int>);
static_assert(!Printable<Secret>);
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

Secret Text(std::string_view text) { return Secret::CopyOf(text); }

bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

TEST(Secret, IsEmptyAndWithoutMemoryByDefault) {
  const Secret secret;
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(secret.size(), 0u);
  EXPECT_EQ(secret.RevealBytes().data(), nullptr);
  EXPECT_EQ(secret.RevealText(), "");
  EXPECT_TRUE(Secret(0).empty());
}

TEST(Secret, OfASizeIsZeroBytesThatCanBeFilled) {
  Secret secret(48);
  ASSERT_EQ(secret.size(), 48u);
  EXPECT_TRUE(AllZero(secret.RevealBytes()));
  std::ranges::fill(secret.RevealMutable(), 'k');
  EXPECT_EQ(secret.RevealText(), std::string(48, 'k'));
}

TEST(Secret, MemoryOfADestroyedOneIsZeroWhenItIsHandedOutAgain) {
  const uint8_t* place = nullptr;
  {
    const Secret first = Text("a secret of exactly 32 bytes .....");
    place = first.RevealBytes().data();
  }
  const Secret second(34);
  ASSERT_EQ(second.RevealBytes().data(), place) << "not the same block";
  EXPECT_TRUE(AllZero({place, 64}));
}

TEST(Secret, ClearGivesBackZeroedMemory) {
  Secret secret = Text(std::string(200, 'x'));
  const uint8_t* place = secret.RevealBytes().data();
  secret.Clear();
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(secret.RevealBytes().data(), nullptr);
  const Secret next(200);
  ASSERT_EQ(next.RevealBytes().data(), place);
  EXPECT_TRUE(AllZero({place, 256}));
}

TEST(Secret, TruncateWipesWhatItCutsOff) {
  Secret secret = Text("0123456789");
  const uint8_t* place = secret.RevealBytes().data();
  secret.Truncate(4);
  EXPECT_EQ(secret.RevealText(), "0123");
  EXPECT_TRUE(AllZero({place + 4, 28}));
  secret.Truncate(9);
  EXPECT_EQ(secret.RevealText(), "0123") << "Truncate never grows";
  secret.Truncate(0);
  EXPECT_TRUE(secret.empty());
  EXPECT_TRUE(AllZero({place, 32}));
}

TEST(Secret, AppendGrowsThroughManySizes) {
  Secret secret;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<size_t>(i % 7),
                            static_cast<char>('a' + i % 26));
    secret.Append(piece);
    expected += piece;
    ASSERT_EQ(secret.size(), expected.size());
  }
  EXPECT_EQ(secret.RevealText(), expected);
}

TEST(Secret, AppendOfNothingKeepsTheMemory) {
  Secret secret = Text("abc");
  const uint8_t* place = secret.RevealBytes().data();
  secret.Append(ByteView());
  EXPECT_EQ(secret.RevealBytes().data(), place);
  EXPECT_EQ(secret.RevealText(), "abc");
}

TEST(Secret, GrowthWipesTheMemoryItLeaves) {
  Secret secret = Text(std::string(32, 's'));
  const uint8_t* place = secret.RevealBytes().data();
  secret.Append(std::string_view("more"));
  ASSERT_NE(secret.RevealBytes().data(), place) << "it did not have to move";
  EXPECT_TRUE(AllZero({place, 32}));
}

TEST(Secret, CanBeAppendedToItself) {
  Secret secret = Text("0123456789abcdef0123456789ABCDEF");
  secret.Append(secret.RevealBytes());
  EXPECT_EQ(secret.RevealText(),
            "0123456789abcdef0123456789ABCDEF"
            "0123456789abcdef0123456789ABCDEF");
}

TEST(Secret, MoveTakesTheMemoryAndLeavesNothing) {
  Secret from = Text("moved");
  const uint8_t* place = from.RevealBytes().data();
  Secret to = std::move(from);
  EXPECT_EQ(to.RevealBytes().data(), place);
  EXPECT_TRUE(from.empty());  // NOLINT: that is what is tested.
  from = Text("again");
  EXPECT_EQ(from.RevealText(), "again");
  EXPECT_EQ(to.RevealText(), "moved");
}

TEST(Secret, MoveAssignmentWipesWhatWasThere) {
  Secret old = Text(std::string(100, 'o'));
  const uint8_t* place = old.RevealBytes().data();
  old = Text("new");
  EXPECT_EQ(old.RevealText(), "new");
  EXPECT_TRUE(AllZero({place, 128}));
}

TEST(Secret, SelfMoveKeepsTheValue) {
  Secret secret = Text("kept");
  Secret& alias = secret;
  secret = std::move(alias);
  EXPECT_EQ(secret.RevealText(), "kept");
}

TEST(Secret, CloneIsEqualAndIndependent) {
  Secret original = Text("twin");
  const Secret clone = original.Clone();
  EXPECT_NE(clone.RevealBytes().data(), original.RevealBytes().data());
  original.RevealMutable()[0] = 'T';
  EXPECT_EQ(clone.RevealText(), "twin");
  EXPECT_TRUE(Secret().Clone().empty());
}

TEST(Secret, EqualsComparesSizeAndEveryByte) {
  const Secret secret = Text("0123456789");
  EXPECT_TRUE(secret.Equals(Text("0123456789")));
  EXPECT_FALSE(secret.Equals(Text("012345678")));
  EXPECT_FALSE(secret.Equals(Secret()));
  EXPECT_TRUE(Secret().Equals(Secret()));
  for (size_t i = 0; i < secret.size(); ++i) {
    Secret other = secret.Clone();
    other.RevealMutable()[i] ^= 0x80;
    EXPECT_FALSE(secret.Equals(other)) << "byte " << i;
  }
}

TEST(Secret, ThreadsMakeAndWipeTheirOwnAtOnce) {
  const auto work = [](char letter) {
    std::vector<Secret> kept;
    for (size_t i = 1; i < 400; ++i) {
      kept.push_back(Text(std::string(i * 13 % 5000 + 1, letter)));
      if (i % 3 == 0) kept.erase(kept.begin());
    }
    for (const Secret& secret : kept) {
      ASSERT_EQ(secret.RevealText(), std::string(secret.size(), letter));
    }
  };
  std::vector<std::jthread> threads;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    threads.emplace_back(work, letter);
  }
}

// Made before the arena, so that it is destroyed after it.
Secret global_secret;

TEST(Secret, OfAStaticObjectMayOutliveEverythingElse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // Sanitizers have threads.
  EXPECT_EXIT(
      {
        global_secret = Text("still here at exit");
        exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace openkeyring
