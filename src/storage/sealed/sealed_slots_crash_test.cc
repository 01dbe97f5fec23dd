// SPDX-License-Identifier: MIT
// A server dies at every step of every change of key slots, and of a store of
// several keys: nothing is lost, the slots that should open do, and several
// keys are there together or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "testing/keyring_crash_machine.h"
#include "testing/sealed_slots_fixture.h"

namespace openkeyring {
namespace {

using Texts = std::map<std::string, std::string>;

struct Story {
  std::string before;  // The configuration under which the file was made.
  std::string during;  // And that of the server that dies.
  std::string open;    // The slots that must open whatever happens.
  bool put_all = false;
  // What the server does after its load; it may fail at any point.
  std::function<void(SealedStore&, SlotWorld&)> work = [](auto&, auto&) {};
  std::function<void(SlotWorld&)> prepare = [](SlotWorld&) {};
  EncryptionContext context;
};

std::vector<Key> Batch(char first) {
  std::vector<Key> keys;
  for (int i = 0; i < 3; ++i) {
    keys.push_back(SlotTestKey(first + std::to_string(i), "batch"));
  }
  return keys;
}

Story Adding() { return {.before = "a", .during = "ab", .open = "a"}; }
Story AddingLocalFile() {
  return {.before = "ab", .during = "abl", .open = "ab"};
}
Story Removing() {
  return {.before = "ab",
          .during = "ab",
          .open = "a",
          .work = [](SealedStore& store, SlotWorld&) {
            (void)store.slots().Remove(2);
          }};
}
// Only b can be wrapped with the new pairs.
Story RewrappingOne() {
  return {.before = "ab",
          .during = "ab",
          .open = "ab",
          .prepare = [](SlotWorld& world) { world.SetDown('a', true); },
          .context = {{"team", "x"}}};
}
Story Resealing() {
  return {.before = "abl",
          .during = "ab",
          .open = "ab",
          .work = [](SealedStore& store, SlotWorld& world) {
            (void)store.slots().Reseal(world.Soon());
          }};
}
Story Compacting() {
  return {.before = "abl",
          .during = "abl",
          .open = "abl",
          .work = [](SealedStore& store, SlotWorld&) {
            for (int i = 0; i < 5; ++i) {
              (void)store.Put(SlotTestKey("big", std::string(16000, 'x')));
              (void)store.Remove({"big", ""});
            }
          }};
}
Story PuttingAll() {
  return {.before = "a",
          .during = "a",
          .open = "a",
          .put_all = true,
          .work = [](SealedStore& store, SlotWorld&) {
            (void)store.PutAll(Batch('x'));
            (void)store.PutAll(Batch('y'));
          }};
}
Story PuttingAllIntoVersionOne() {
  Story story = PuttingAll();
  story.put_all = false;
  return story;
}

class SealedSlotsCrashTest : public testing::TestWithParam<Story (*)()> {
 protected:
  std::unique_ptr<SealedStore> Server(const std::string& letters,
                                      bool read_only = false) {
    SealedStoreOptions options;
    options.read_only = read_only;
    options.last_resort = true;
    options.put_all = story_.put_all;
    if (!making_) options.encryption_context = story_.context;
    return MakeSlotStore(*world_, *files_, letters, options);
  }
  void MakeFile() {
    world_ = std::make_unique<SlotWorld>();
    files_ = std::make_unique<CrashFileSystem>();
    making_ = true;
    {
      auto store = Server(story_.before);
      ASSERT_TRUE(store->Load(world_->Soon()));
      for (const char* id : {"1", "2", "3"}) {
        ASSERT_TRUE(store->Put(SlotTestKey(id, "data")).ok());
      }
    }
    making_ = false;
    files_->Crash(true);  // All of it is durable.
  }
  // True when the server came to its own end before.
  bool LiveAndDie(size_t steps, Ending ending, bool tear) {
    story_.prepare(*world_);
    const size_t before = files_->steps();
    files_->TearAppends(tear);
    files_->FailAfter(steps);
    {
      auto store = Server(story_.during);
      if (store->Load(world_->Soon())) story_.work(*store, *world_);
    }
    const bool whole = files_->steps() - before < steps;
    files_->TearAppends(false);
    files_->FailAfter(kNever);
    if (ending != Ending::kProcessKilled) {
      files_->Crash(ending == Ending::kLuckyPowerCut);
    }
    for (const char letter : {'a', 'b', 'c'}) world_->SetDown(letter, false);
    return whole;
  }
  void ExpectAllOrNone(const Texts& found) {
    for (const char* id : {"1", "2", "3"}) {
      ASSERT_TRUE(found.contains(id)) << id << " is lost";
      ASSERT_EQ(found.at(id), "data");
    }
    for (const char* first : {"x", "y"}) {
      size_t count = 0;
      for (int i = 0; i < 3; ++i) {
        count += found.count(first + std::to_string(i));
      }
      ASSERT_TRUE(count == 0 || count == 3) << count << " of " << first;
    }
  }
  void ExpectNothingLost() {
    Texts first;
    for (const char letter : story_.open) {
      auto store = Server(std::string(1, letter), true);
      const auto keys = store->Load(world_->Soon());
      ASSERT_TRUE(keys) << letter << ": " << keys.error().message();
      ASSERT_NO_FATAL_FAILURE(ExpectAllOrNone(TextsOf(*keys)));
      if (first.empty()) first = TextsOf(*keys);
      ASSERT_EQ(TextsOf(*keys), first);
    }
    {
      auto store = Server(story_.during);
      const auto keys = store->Load(world_->Soon());
      ASSERT_TRUE(keys) << keys.error().message();
      ASSERT_EQ(TextsOf(*keys), first);
      ASSERT_TRUE(store->Put(SlotTestKey("on", "x")).ok());
      for (const SlotStatus& slot : store->slots().List()) {
        ASSERT_TRUE(slot.problem.ok()) << slot.problem.message();
      }
    }
    files_->Crash();
    first["on"] = "x";
    const auto keys = Server("a")->Load(world_->Soon());
    ASSERT_TRUE(keys) << keys.error().message();
    ASSERT_EQ(TextsOf(*keys), first);
    for (const std::string& name : files_->Names()) {
      ASSERT_TRUE(name == "keyring" || name.starts_with("keyring.torn-"))
          << "a leftover: " << name;
    }
  }

  const Story story_ = GetParam()();
  std::unique_ptr<SlotWorld> world_;
  std::unique_ptr<CrashFileSystem> files_;
  bool making_ = false;
};

TEST_P(SealedSlotsCrashTest, NothingIsLostWhereverItDies) {
  for (const Ending ending : kEndings) {
    for (const bool tear : {false, true}) {
      bool whole = false;
      for (size_t steps = 0; !whole; ++steps) {
        SCOPED_TRACE(testing::Message()
                     << "step " << steps << ", ending "
                     << static_cast<int>(ending) << (tear ? ", torn" : ""));
        ASSERT_NO_FATAL_FAILURE(MakeFile());
        whole = LiveAndDie(steps, ending, tear);
        ASSERT_NO_FATAL_FAILURE(ExpectNothingLost());
        ASSERT_LT(steps, 300u);
      }
    }
  }
}

TEST_P(SealedSlotsCrashTest, TheStoryHappensWithoutACrash) {
  MakeFile();
  const Bytes before = files_->Content("keyring");
  ASSERT_TRUE(LiveAndDie(kNever, Ending::kPowerCut, false));
  EXPECT_NE(files_->Content("keyring"), before);
  ExpectNothingLost();
}

std::string StoryName(const testing::TestParamInfo<Story (*)()>& info) {
  constexpr const char* kNames[] = {
      "Adding",    "AddingLocalFile", "Removing",   "RewrappingOne",
      "Resealing", "Compacting",      "PuttingAll", "PuttingAllIntoVersionOne"};
  return kNames[info.index];
}

INSTANTIATE_TEST_SUITE_P(Stories, SealedSlotsCrashTest,
                         testing::Values(Adding, AddingLocalFile, Removing,
                                         RewrappingOne, Resealing, Compacting,
                                         PuttingAll, PuttingAllIntoVersionOne),
                         StoryName);

}  // namespace
}  // namespace openkeyring
