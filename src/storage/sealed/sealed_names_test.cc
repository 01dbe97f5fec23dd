// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "storage/sealed/sealed_log.h"
#include "testing/crash_file_system.h"
#include "testing/sealed_slots_fixture.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SealedNamesTest : public testing::Test {
 protected:
  SealedNamesTest() {
    SealedStoreOptions options;
    options.put_all = true;
    auto store = MakeSlotStore(world_, files_, "ab", options);
    EXPECT_TRUE(store->Load(world_.Soon()));
    EXPECT_TRUE(store->Put(SlotTestKey("one", "sixteen byte key")).ok());
    std::vector<Key> keys;
    keys.push_back(SlotTestKey("two", "22"));
    keys.push_back(SlotTestKey("three", "333"));
    EXPECT_TRUE(store->PutAll(keys).ok());
    EXPECT_TRUE(store->Remove({"one", ""}).ok());
  }
  // "name size sequence".
  static std::vector<std::string> Texts(const SealedNames& names) {
    std::vector<std::string> texts;
    for (const auto& [key, sequence] : names.keys) {
      texts.push_back(std::string(key.data_id) + " " +
                      std::to_string(key.size) + " " +
                      std::to_string(sequence));
    }
    return texts;
  }

  SlotWorld world_;
  CrashFileSystem files_;
};

TEST_F(SealedNamesTest, ListsWithoutTheDataKey) {
  const Bytes content = files_.Content("keyring");
  const auto names = ListSealedNames(content);
  ASSERT_TRUE(names);
  EXPECT_THAT(Texts(*names), ElementsAre("three 3 2", "two 2 2"));
  EXPECT_EQ(names->keys[0].key.type, "AES");
  EXPECT_EQ(names->header.slots.size(), 2u);
  EXPECT_EQ(names->good, content.size());
  EXPECT_TRUE(names->end.ok());
}

TEST_F(SealedNamesTest, TheLastRecordOfANameCounts) {
  auto store = MakeSlotStore(world_, files_, "ab", {});
  ASSERT_TRUE(store->Load(world_.Soon()));
  ASSERT_TRUE(store->Put(SlotTestKey("one", "again")).ok());
  ASSERT_TRUE(store->Put(SlotTestKey("a", "1")).ok());
  ASSERT_TRUE(store->Remove({"two", ""}).ok());
  const Bytes content = files_.Content("keyring");
  EXPECT_THAT(Texts(*ListSealedNames(content)),
              ElementsAre("a 1 5", "one 5 4", "three 3 2"));
}

// Beside what most names have in common there are others, and owners.
TEST_F(SealedNamesTest, ListsInTheOrderOfTheNamesWhateverTheyAre) {
  std::set<KeyName> wanted = {{"two", ""}, {"three", ""}};
  auto store = MakeSlotStore(world_, files_, "ab", {});
  ASSERT_TRUE(store->Load(world_.Soon()));
  for (const char* id : {"k", "k1", "k10", "k12345678b", "k12345678a", "k9",
                         "\xff", "\x7f", "K", "k1\x01"}) {
    for (const char* owner : {"b@h", "", "a@h"}) {
      const Key key = {{id, owner}, "AES", Secret(1)};
      ASSERT_TRUE(store->Put(key).ok());
      wanted.insert(key.name);
    }
  }
  const Key zero = {{std::string("k1\0", 3), ""}, "AES", Secret(1)};
  ASSERT_TRUE(store->Put(zero).ok());
  wanted.insert(zero.name);
  for (const char* common : {"", "k"}) {
    const Bytes content = files_.Content("keyring");
    std::vector<KeyName> names;
    const Result<SealedNames> listed = ListSealedNames(content);
    for (const SealedName& name : listed->keys) {
      names.push_back(name.key.name());
    }
    EXPECT_THAT(names, testing::ElementsAreArray(wanted)) << common;
    std::erase_if(wanted, [&](const KeyName& name) {
      if (name.data_id.starts_with('k')) return false;
      return store->Remove(name).ok();
    });
  }
}

TEST_F(SealedNamesTest, SaysWhereItCouldReadNoFurther) {
  Bytes content = files_.Content("keyring");
  const size_t header = ReadSealedHeader(content)->size;
  for (size_t size = 0; size < content.size(); ++size) {
    const auto names = ListSealedNames(ByteView(content).first(size));
    ASSERT_EQ(names.has_value(), size >= header);
    if (!names) continue;
    EXPECT_LE(names->good, size);
    EXPECT_EQ(names->end.ok(), names->good == size);
  }
  content[header] ^= 1;
  const auto names = ListSealedNames(content);
  EXPECT_THAT(Texts(*names), IsEmpty());
  EXPECT_EQ(names->end.code(), StatusCode::kCorrupt);
}

TEST_F(SealedNamesTest, AHeaderThatIsDamagedIsAnError) {
  Bytes content = files_.Content("keyring");
  content[20] ^= 1;
  EXPECT_EQ(ListSealedNames(content).status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace openkeyring
