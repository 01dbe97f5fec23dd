// SPDX-License-Identifier: MIT
#include "keyring/loaded_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace openkeyring {
namespace {

Secret KeyBytes(KeyVersion key) {
  return Secret::CopyOf(std::to_string(key.id) + "/" +
                        std::to_string(key.version));
}

TEST(LoadedKeys, FindsWhatWasAddedAndNothingElse) {
  LoadedKeys keys;
  keys.Add({1, 1}, KeyBytes({1, 1}));
  ASSERT_NE(keys.Find({1, 1}), nullptr);
  EXPECT_EQ(keys.Find({1, 1})->RevealText(), "1/1");
  EXPECT_EQ(keys.Find({1, 2}), nullptr);
  EXPECT_EQ(keys.Find({2, 1}), nullptr);
  EXPECT_EQ(keys.versions(), 1u);
}

TEST(LoadedKeys, FirstPlaintextOfAVersionStays) {
  LoadedKeys keys;
  keys.Add({1, 1}, Secret::CopyOf(std::string_view("first")));
  const Secret* found = keys.Find({1, 1});
  keys.Add({1, 1}, Secret::CopyOf(std::string_view("second")));
  EXPECT_EQ(keys.Find({1, 1}), found);
  EXPECT_EQ(found->RevealText(), "first");
}

TEST(LoadedKeys, LatestIsZeroUntilItIsSet) {
  LoadedKeys keys;
  keys.Add({1, 5}, KeyBytes({1, 5}));
  EXPECT_EQ(keys.Latest(1), 0u);
  keys.RaiseLatest(1, 5);
  EXPECT_EQ(keys.Latest(1), 5u);
  EXPECT_EQ(keys.Latest(2), 0u);
}

TEST(LoadedKeys, LatestNeverGoesBack) {
  LoadedKeys keys;
  keys.RaiseLatest(1, 5);
  keys.RaiseLatest(1, 4);
  EXPECT_EQ(keys.Latest(1), 5u);
  keys.RaiseLatest(1, 6);
  EXPECT_EQ(keys.Latest(1), 6u);
}

TEST(LoadedKeys, GrowsFarBeyondItsFirstSizeWithStableAddresses) {
  LoadedKeys keys;
  keys.Add({1, 1}, KeyBytes({1, 1}));
  const Secret* first = keys.Find({1, 1});
  for (uint32_t id = 1; id <= 500; ++id) {
    for (uint32_t version = 1; version <= 8; ++version) {
      keys.Add({id, version}, KeyBytes({id, version}));
    }
    keys.RaiseLatest(id, 8);
  }
  EXPECT_EQ(keys.Find({1, 1}), first);
  for (uint32_t id = 1; id <= 500; ++id) {
    EXPECT_EQ(keys.Latest(id), 8u);
    for (uint32_t version = 1; version <= 8; ++version) {
      EXPECT_EQ(keys.Find({id, version})->RevealText(),
                KeyBytes({id, version}).RevealText());
    }
  }
  EXPECT_EQ(keys.versions(), 4000u);
}

TEST(LoadedKeys, ReadersSeeWholeKeysWhileWritersGrowTheTable) {
  LoadedKeys keys;
  constexpr uint32_t kLast = 3000;
  std::jthread writer([&] {
    for (uint32_t id = 1; id <= kLast; ++id) {
      keys.Add({id, 1}, KeyBytes({id, 1}));
      keys.RaiseLatest(id, 1);
    }
  });
  const auto read = [&] {
    while (keys.Latest(kLast) == 0) {
      for (uint32_t id = 1; id <= kLast; id += 97) {
        if (keys.Latest(id) == 0) continue;
        const Secret* key = keys.Find({id, 1});
        ASSERT_NE(key, nullptr);
        ASSERT_EQ(key->RevealText(), std::to_string(id) + "/1");
      }
    }
  };
  std::jthread reader(read);
  read();
}

}  // namespace
}  // namespace openkeyring
