// SPDX-License-Identifier: MIT
// Random lives of servers on one machine: keys and key slots change, key
// servers come and go, power is cut at any step with any part of what was not
// synced on the disk. Nothing promised is lost, and at least the slots open
// that the model says must open.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "testing/keyring_crash_machine.h"
#include "testing/sealed_slots_fixture.h"

namespace openkeyring {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr uint64_t kHistories = 300;
#else
constexpr uint64_t kHistories = 1500;
#endif

using Texts = std::map<std::string, std::string>;

class Model {
 public:
  explicit Model(uint64_t number) : random_(number) {}

  void Run() {
    Live("ab");
    for (int life = 0; life < 5; ++life) {
      if (testing::Test::HasFatalFailure()) return;
      Live(AnyConfiguration());
    }
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  std::string AnyConfiguration() {
    constexpr const char* kAll[] = {"a",   "b",   "ab", "ba", "abc",
                                    "cab", "abl", "cl", "bcl"};
    return kAll[Below(std::size(kAll))];
  }
  std::unique_ptr<SealedStore> Server(const std::string& letters,
                                      bool read_only = false) {
    SealedStoreOptions options;
    options.read_only = read_only;
    options.last_resort = true;
    options.put_all = true;
    options.max_file = 96 << 10;
    if (context_) options.encryption_context = {{"team", "x"}};
    return MakeSlotStore(world_, files_, letters, options);
  }

  void Live(const std::string& letters) {
    SCOPED_TRACE("configured " + letters);
    context_ = Below(4) == 0;
    down_.clear();
    for (const char letter : {'a', 'b', 'c'}) {
      const bool down = made_ && Below(4) == 0;
      world_.SetDown(letter, down);
      if (down) down_.insert(letter);
    }
    if (made_) files_.FailAfter(Below(2) ? kNever : Below(30));
    files_.TearAppends(Below(2) == 0);
    {
      auto store = Server(letters);
      const auto keys = store->Load(world_.Soon());
      if (keys) {
        made_ = true;
        Look(*keys);
        configured_ = letters;
        const size_t operations = Below(8);
        TakeSlots(*store);
        for (size_t i = 0; i < operations; ++i) Operate(*store);
      }
    }
    files_.TearAppends(false);
    if (Below(3) == 0) {
      files_.FailAfter(kNever);
    } else {
      files_.CrashPartially(random_, Below(2) ? 512 : 4096);
    }
    for (const char letter : {'a', 'b', 'c'}) world_.SetDown(letter, false);
    Verify();
  }

  // What a server shows counts from now on.
  void Look(const SealedStore::Keys& keys) {
    promised_ = TextsOf(keys);
    unsure_.clear();
  }
  // The slots that the file has now must open, unless it is not known whether
  // they are durable.
  void TakeSlots(SealedStore& store) {
    std::set<char> slots;
    for (const SlotStatus& status : store.slots().List()) {
      if (status.state == SlotState::kMissing) continue;
      const char letter = status.slot.name.back();
      if (status.problem.ok() || must_open_.contains(letter)) {
        slots.insert(letter);
      }
    }
    must_open_ = std::move(slots);
  }

  void Operate(SealedStore& store) {
    switch (Below(9)) {
      case 0:
        return RemoveSlot(store);
      case 1:
        return Reseal(store);
      case 2:
        return store.slots().OpenEach(world_.Soon());
      case 3:
        return PutAll(store);
      default:
        return Change(store);
    }
  }
  void RemoveSlot(SealedStore& store) {
    const std::vector<SlotStatus> list = store.slots().List();
    const KeySlot slot = list[Below(list.size())].slot;
    const bool removed = store.slots().Remove(slot.number).ok();
    // After an error the file may have it or not.
    if (!removed) must_open_.erase(slot.name.back());
    if (removed) TakeSlots(store);
  }
  void Reseal(SealedStore& store) {
    std::set<char> kept;
    const bool resealed = store.slots().Reseal(world_.Soon()).has_value();
    if (resealed) return TakeSlots(store);
    // As it was, or as it would have become.
    for (const char letter : must_open_) {
      const bool configured =
          letter == 't' ? configured_.ends_with('l')
                        : configured_.find(letter) != std::string::npos;
      if (configured && !down_.contains(letter)) kept.insert(letter);
    }
    if (kept.empty()) return;  // Nothing that is configured could be opened.
    must_open_ = kept;
  }
  void PutAll(SealedStore& store) {
    std::vector<Key> keys;
    const std::string name = "batch" + std::to_string(++batches_);
    for (const char* suffix : {"x", "y", "z"}) {
      keys.push_back(SlotTestKey(name + suffix, "data"));
    }
    const bool stored = store.PutAll(keys).ok();
    for (const Key& key : keys) Note(key.name.data_id, stored, "data");
  }
  void Change(SealedStore& store) {
    constexpr const char* kIds[] = {"a", "b", "c", "d", "big"};
    const std::string id = kIds[Below(std::size(kIds))];
    if (unsure_.contains(id)) return;
    if (promised_.contains(id)) {
      const bool removed = store.Remove({id, ""}).ok();
      promised_.erase(id);
      if (!removed) unsure_.insert(id);
      return;
    }
    const std::string data = CrashDataOf(id);
    Note(id, store.Put(SlotTestKey(id, data)).ok(), data);
  }
  void Note(const std::string& id, bool stored, const std::string& data) {
    if (stored) {
      promised_[id] = data;
    } else {
      unsure_.insert(id);
    }
  }

  void Verify() {
    if (!made_) return;
    for (const char letter : must_open_) {
      SCOPED_TRACE(std::string("slot of ") + letter);
      const auto keys =
          Server(std::string(1, letter == 't' ? 'l' : letter), true)
              ->Load(world_.Soon());
      ASSERT_TRUE(keys) << keys.error().message();
      ASSERT_NO_FATAL_FAILURE(ExpectPromises(TextsOf(*keys)));
    }
  }
  void ExpectPromises(const Texts& found) {
    for (const auto& [id, data] : promised_) {
      ASSERT_TRUE(found.contains(id)) << id << " is lost";
      ASSERT_EQ(found.at(id), data);
    }
    for (const auto& [id, data] : found) {
      ASSERT_TRUE(promised_.contains(id) || unsure_.contains(id))
          << id << " came back";
    }
    for (int i = 1; i <= batches_; ++i) {
      size_t count = 0;
      for (const char* suffix : {"x", "y", "z"}) {
        count += found.count("batch" + std::to_string(i) + suffix);
      }
      ASSERT_TRUE(count == 0 || count == 3) << count << " of batch " << i;
    }
  }

  std::mt19937_64 random_;
  SlotWorld world_;
  CrashFileSystem files_;
  bool made_ = false, context_ = false;
  std::string configured_;
  Texts promised_;
  std::set<std::string> unsure_;
  std::set<char> down_;
  std::set<char> must_open_;  // The last letter of a slot's name.
  int batches_ = 0;
};

TEST(SealedSlotsModelTest, NothingIsLostAndTheSlotsThatShouldOpenDo) {
  int failures = 0;
  for (uint64_t number = 0; number < kHistories; ++number) {
    SCOPED_TRACE(testing::Message() << "history " << number);
    Model(number).Run();
    if (testing::Test::HasFatalFailure() && ++failures >= 5) break;
  }
}

}  // namespace
}  // namespace openkeyring
