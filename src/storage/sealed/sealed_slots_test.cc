// SPDX-License-Identifier: MIT
// Key slots of files on a disk: SealedStore and SealedFileSlots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>

#include "storage/sealed/sealed_file_backend.h"
#include "testing/sealed_slots_fixture.h"
#include "testing/spy_file_system.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::vector<Key> Batch(const std::vector<std::string>& ids) {
  std::vector<Key> keys;
  for (const std::string& id : ids) keys.push_back(SlotTestKey(id, id + "!"));
  return keys;
}

class SealedSlotsTest : public testing::Test {
 protected:
  using Texts = std::map<std::string, std::string>;

  std::unique_ptr<SealedStore> Make(const std::string& letters) {
    return MakeSlotStore(world_, files_, letters, options_);
  }
  std::unique_ptr<SealedStore> Load(const std::string& letters) {
    auto store = Make(letters);
    const auto keys = store->Load(world_.Soon());
    EXPECT_TRUE(keys) << keys.status().message();
    if (keys) loaded_ = TextsOf(*keys);
    return store;
  }
  Status LoadError(const std::string& letters) {
    return Make(letters)->Load(world_.Soon()).status();
  }
  void MakeFile(const std::string& letters) {
    auto store = Load(letters);
    ASSERT_TRUE(store->Put(SlotTestKey("k", "data")).ok());
  }
  Bytes Content() const { return files_.Content("keyring"); }
  ReadHeader Read() const { return *ReadSealedHeader(Content()); }
  // "1a 2b": the numbers and the last letters of the names.
  std::string Slots() const {
    std::string text;
    for (const KeySlot& slot : Read().header.slots) {
      text += (text.empty() ? "" : " ") + std::to_string(slot.number) +
              slot.name.back();
    }
    return text;
  }
  static std::string StatesOf(const SealedStore& store) {
    constexpr char kLetters[] = "OFUXMS";
    std::string text;
    for (const SlotStatus& status : store.slots().List()) {
      text += std::to_string(status.slot.number) + status.slot.name.back() +
              kLetters[static_cast<int>(status.state)] + " ";
    }
    return text;
  }

  SlotWorld world_;
  SpyFileSystem files_;
  SealedStoreOptions options_;
  Texts loaded_;
};

TEST_F(SealedSlotsTest, ANewFileHasASlotForEachKeyAndAnyOfThemOpensIt) {
  MakeFile("abl");
  EXPECT_EQ(Read().version, 2);
  EXPECT_EQ(Slots(), "1a 2b 3t");
  world_.SetDown('a', true);
  auto store = Load("abl");
  EXPECT_EQ(loaded_, (Texts{{"k", "data"}}));
  EXPECT_EQ(store->slots().opened().number, 2);
  EXPECT_EQ(StatesOf(*store), "1aF 2bO 3tU ");
  EXPECT_THAT(world_.log.Text(), HasSubstr("it was opened by key slot 2"));
  EXPECT_THAT(world_.log.Text(), HasSubstr("key slot 1 (aws-kms alias/a) "
                                           "could not be opened: it is down"));
}

TEST_F(SealedSlotsTest, TheLastResortOpensWhenItIsAllowedAndIsShouted) {
  MakeFile("abl");
  world_.SetDown('a', true);
  world_.SetDown('b', true);
  const Status status = LoadError("abl");
  EXPECT_TRUE(status.IsTransient());
  EXPECT_THAT(status.message(), HasSubstr("key slot 1 (aws-kms alias/a): it is "
                                          "down; key slot 2 (aws-kms"));
  options_.last_resort = true;
  auto store = Load("abl");
  EXPECT_TRUE(store->slots().opened_by_last_resort());
  EXPECT_EQ(loaded_, (Texts{{"k", "data"}}));
  EXPECT_EQ(world_.log.lines().back().first, LogLevel::kError);
  EXPECT_THAT(world_.log.lines().back().second,
              HasSubstr("because no key server could be used; make one "
                        "reachable and run ALTER INSTANCE RELOAD KEYRING"));
}

TEST_F(SealedSlotsTest, AFileOfVersionOneGetsASecondSlotAndLosesItAgain) {
  MakeFile("a");
  const Bytes before = Content();
  EXPECT_EQ(Read().version, 1);
  const KeySlot first = Read().header.slots[0];
  auto store = Load("ab");
  EXPECT_EQ(Read().version, 2);
  EXPECT_EQ(Slots(), "1a 2b");
  EXPECT_EQ(Read().header.slots[0], first) << "to the byte";
  EXPECT_EQ(StatesOf(*store), "1aO 2bO ");
  ASSERT_TRUE(store->slots().Remove(2).ok());
  EXPECT_EQ(Read().version, 1);
  EXPECT_EQ(Read().header.slots[0], first);
  EXPECT_EQ(Content().size(), before.size());
  store = nullptr;
  Load("a");
  EXPECT_EQ(loaded_, (Texts{{"k", "data"}}));
}

TEST_F(SealedSlotsTest, ASlotWhoseKeyServerIsAwayIsAddedAtALaterLoad) {
  MakeFile("a");
  world_.SetDown('b', true);
  {
    auto store = Load("ab");
    EXPECT_EQ(StatesOf(*store), "1aO 0bM ");
    EXPECT_EQ(Read().version, 1);
    EXPECT_TRUE(store->Put(SlotTestKey("more", "x")).ok());
  }
  EXPECT_THAT(world_.log.Text(),
              HasSubstr("there is no key slot for aws-kms alias/b yet"));
  world_.SetDown('b', false);
  EXPECT_EQ(StatesOf(*Load("ab")), "1aO 2bO ");
  EXPECT_EQ(loaded_.size(), 2u);
}

TEST_F(SealedSlotsTest, ANewFileIsMadeWhileOneKeyServerIsAway) {
  world_.SetDown('a', true);
  {
    auto store = Load("ab");
    EXPECT_EQ(StatesOf(*store), "1bO 0aM ");
  }
  world_.SetDown('a', false);
  EXPECT_EQ(StatesOf(*Load("ab")), "1bO 2aO ");
  EXPECT_EQ(StatesOf(*Load("ab")), "1bU 2aO ") << "a is asked first";
}

TEST_F(SealedSlotsTest, ASlotThatIsNotConfiguredStaysAndIsShown) {
  MakeFile("abc");
  const ReadHeader before = Read();
  auto store = Load("ca");
  EXPECT_EQ(StatesOf(*store), "1aU 2bX 3cO ");
  EXPECT_EQ(Read().header, before.header);
}

TEST_F(SealedSlotsTest, RewrappingOneSlotLeavesTheOthersToTheByte) {
  MakeFile("abl");
  const std::vector<KeySlot> before = Read().header.slots;
  world_.kms[1].SetCurrentKey("alias/new-b");
  auto store = Load("abl");
  // Two keys of KMS: nobody can tell that b was replaced by this one.
  EXPECT_EQ(StatesOf(*store), "1aO 2bX 3tU 4bO ");
  std::vector<KeySlot> after = Read().header.slots;
  after.pop_back();
  EXPECT_EQ(after, before);
  options_.encryption_context = {{"team", "x"}};
  world_.SetDown('a', true);
  store = nullptr;
  store = Load("abl");
  after = Read().header.slots;
  EXPECT_EQ(after[0].blob, before[0].blob);
  EXPECT_EQ(after[1].blob, before[1].blob);
  EXPECT_EQ(after[2], before[2]);
  EXPECT_THAT(after[0].parameters, Not(IsEmpty()));
  world_.SetDown('a', false);
  store = nullptr;
  EXPECT_EQ(StatesOf(*Load("abl")), "1aO 2bX 3tU 4bU ")
      << "opened with its old pairs, and wrapped with the new ones";
  EXPECT_THAT(Read().header.slots[0].parameters, IsEmpty());
}

TEST_F(SealedSlotsTest, UnknownKindsAreKeptByEveryRewrite) {
  MakeFile("ab");
  ReadHeader read = Read();
  const KeySlot unknown{9, static_cast<SlotKind>(77), "tpm", "x", {1}, {2}};
  read.header.slots.push_back(unknown);
  const Secret data_key =
      *KmsSlotKey(world_.kms[0])
           .Open(read.header.slots[0],
                 {read.header.file_id, read.header.context}, world_.Soon());
  Bytes content = *WriteSealedHeader(read.header, data_key);
  PutBytes(content, ByteView(Content()).subspan(read.size));
  files_.Put("keyring", content);
  world_.kms[2].SetCurrentKey("alias/c");
  auto store = Load("abc");
  EXPECT_EQ(Slots(), "1a 2b 9m 10c");
  EXPECT_EQ(Read().header.slots[2], unknown);
  EXPECT_EQ(StatesOf(*store), "1aO 2bU 9mX 10cO ");
  for (int i = 0; i < 8; ++i) {  // Compacts.
    ASSERT_TRUE(store->Put(SlotTestKey("big", std::string(16000, 'x'))).ok());
    ASSERT_TRUE(store->Remove({"big", ""}).ok());
  }
  EXPECT_GT(Read().header.generation, read.header.generation + 1);
  EXPECT_EQ(Read().header.slots[2], unknown);
}

TEST_F(SealedSlotsTest, ASlotIsRemovedOnlyWhenAnotherWorks) {
  MakeFile("abl");
  {
    auto store = Load("abl");
    EXPECT_EQ(store->slots().Remove(7).code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(store->slots().Remove(1).message(),
                HasSubstr("no other key slot was opened"));
    EXPECT_TRUE(store->slots().Remove(2).ok());
    EXPECT_EQ(Slots(), "1a 3t");
    EXPECT_THAT(store->slots().Remove(1).message(), HasSubstr("no KMS key"));
  }
  auto store = Load("abl");
  EXPECT_EQ(Slots(), "1a 3t 4b") << "numbers are not used again";
  store->slots().OpenEach(world_.Soon());
  EXPECT_EQ(StatesOf(*store), "1aO 3tO 4bO ");
  EXPECT_TRUE(store->slots().Remove(1).ok());
  EXPECT_EQ(Slots(), "3t 4b");
}

TEST_F(SealedSlotsTest, TheLastResortIsNoReasonToRemoveAKmsKey) {
  MakeFile("abl");
  world_.SetDown('a', true);
  world_.SetDown('b', true);
  options_.last_resort = true;
  auto store = Load("abl");
  EXPECT_EQ(StatesOf(*store), "1aF 2bF 3tO ");
  EXPECT_THAT(store->slots().Remove(1).message(),
              HasSubstr("no other key slot was opened"));
  world_.SetDown('b', false);
  store->slots().OpenEach(world_.Soon());
  EXPECT_TRUE(store->slots().Remove(1).ok());
}

TEST_F(SealedSlotsTest, ACheckOpensEachAndShowsWhatDoesNot) {
  MakeFile("ab");
  auto store = Load("ab");
  world_.SetDown('a', true);
  store->slots().OpenEach(world_.Soon());
  EXPECT_EQ(StatesOf(*store), "1aF 2bO ");
  EXPECT_TRUE(store->slots().Remove(1).ok());
}

TEST_F(SealedSlotsTest, ResealMakesAnotherDataKeyAndDropsByName) {
  MakeFile("abc");
  const ReadHeader before = Read();
  const Bytes old_content = Content();
  auto store = Load("ac");
  world_.SetDown('c', true);
  const auto dropped = store->slots().Reseal(world_.Soon());
  ASSERT_TRUE(dropped) << dropped.error().message();
  ASSERT_THAT(*dropped, SizeIs(2));
  EXPECT_EQ(ToString((*dropped)[0].slot), "key slot 2 (aws-kms alias/b)");
  EXPECT_THAT((*dropped)[0].status.message(), HasSubstr("not configured"));
  EXPECT_EQ(ToString((*dropped)[1].slot), "key slot 3 (aws-kms alias/c)");
  EXPECT_EQ((*dropped)[1].status.message(), "it is down");
  EXPECT_EQ(Slots(), "1a");
  EXPECT_EQ(Read().header.file_id, before.header.file_id);
  EXPECT_EQ(Read().header.generation, before.header.generation + 1);
  const SlotBinding binding = {before.header.file_id, before.header.context};
  const Secret old_key =
      *KmsSlotKey(world_.kms[1])
           .Open(before.header.slots[1], binding, world_.Soon());
  EXPECT_FALSE(CheckSealedHeader(Content(), Read(), old_key).ok());
  EXPECT_TRUE(store->Put(SlotTestKey("after", "x")).ok());
  EXPECT_EQ(StatesOf(*store), "1aO 0cM ");
  store = nullptr;
  Load("a");
  EXPECT_EQ(loaded_, (Texts{{"k", "data"}, {"after", "x"}}));
}

TEST_F(SealedSlotsTest, ResealChangesNothingWithoutAKeyServer) {
  MakeFile("ab");
  auto store = Load("ab");
  world_.SetDown('a', true);
  world_.SetDown('b', true);
  const Bytes before = Content();
  EXPECT_EQ(store->slots().Reseal(world_.Soon()).status().code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(Content(), before);
  EXPECT_TRUE(store->Put(SlotTestKey("on", "x")).ok());
}

TEST_F(SealedSlotsTest, AProcessWithoutTheLockChangesNoSlots) {
  MakeFile("a");
  auto holder = Load("a");
  const Bytes before = Content();
  auto other = Load("ab");
  EXPECT_EQ(StatesOf(*other), "1aO 0bM ");
  EXPECT_FALSE(other->slots().Remove(1).ok());
  EXPECT_FALSE(other->slots().Reseal(world_.Soon()));
  options_.read_only = true;
  auto reader = Load("ab");
  EXPECT_EQ(StatesOf(*reader), "1aO 0bM ");
  EXPECT_EQ(reader->PutAll(Batch({"1"})).code(), StatusCode::kReadOnly);
  EXPECT_EQ(Content(), before);
}

TEST_F(SealedSlotsTest, ASlotOfAnotherKeyThanTheConfiguredOneIsStale) {
  MakeFile("a");
  world_.kms[0].SetCurrentKey("alias/new");
  options_.read_only = true;
  auto store = Load("a");
  EXPECT_EQ(StatesOf(*store), "1aS ");
  EXPECT_THAT(store->slots().List()[0].problem.message(),
              AllOf(HasSubstr("wrapped under KMS key alias/a"),
                    HasSubstr("the configuration says alias/new")));
  store->slots().OpenEach(world_.Soon());
  EXPECT_EQ(StatesOf(*store), "1aS ") << "it opens, and stays what it is";
  options_.read_only = false;
  world_.FailAt('a', "Wrap");
  EXPECT_EQ(StatesOf(*Load("a")), "1aS ");
  world_.SetDown('a', false);
  store = Load("a");
  EXPECT_EQ(StatesOf(*store), "1wO ");
}

TEST_F(SealedSlotsTest, SeveralSlotsAreStaleUntilTheyAreWrappedAgain) {
  MakeFile("ab");
  options_.encryption_context = {{"team", "x"}};
  options_.read_only = true;
  EXPECT_EQ(StatesOf(*Load("ab")), "1aS 2bS ");
  options_.read_only = false;
  world_.FailAt('a', "Wrap");
  auto store = Load("ab");
  store->slots().OpenEach(world_.Soon());
  EXPECT_EQ(StatesOf(*store), "1aS 2bO ");
  store = nullptr;
  world_.SetDown('a', false);
  files_.FailAt("append", {StatusCode::kUnavailable, "disk"});
  store = Load("ab");
  EXPECT_EQ(StatesOf(*store), "1aS 2bU ");
  files_.hook = nullptr;
  store = nullptr;
  EXPECT_EQ(StatesOf(*Load("ab")), "1aO 2bU ");
}

// A key may read a file, which may hang; the server's threads must not.
TEST_F(SealedSlotsTest, KeysAreNotAskedUnderTheLock) {
  MakeFile("al");
  auto store = Load("al");
  std::future<bool> other;
  std::future_status status = std::future_status::deferred;
  world_.on_local_read = [&] {
    if (other.valid()) return;
    other = std::async(std::launch::async,
                       [&] { return store->slots().opened_by_last_resort(); });
    status = other.wait_for(std::chrono::seconds(5));
  };
  EXPECT_THAT(store->slots().List(), SizeIs(2));
  EXPECT_EQ(status, std::future_status::ready);
  world_.on_local_read = nullptr;
}

TEST_F(SealedSlotsTest, WhoMustRewrapFailsWhenTheOnlySlotIsNotWrappedAgain) {
  MakeFile("a");
  const Bytes before = Content();
  options_.must_rewrap = true;
  world_.kms[0].SetCurrentKey("alias/new");
  world_.FailAt('a', "Wrap");
  EXPECT_EQ(LoadError("a").code(), StatusCode::kUnavailable);
  world_.SetDown('a', false);
  options_.read_only = true;
  EXPECT_EQ(LoadError("a").code(), StatusCode::kReadOnly);
  options_.read_only = false;
  auto holder = files_.OpenLocked("keyring");
  ASSERT_TRUE(holder);
  const Status in_use = LoadError("a");
  EXPECT_FALSE(in_use.ok());
  EXPECT_THAT(in_use.message(), Not(HasSubstr("the process that can write")));
  holder->reset();
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(StatesOf(*Load("a")), "1wO ");
}

TEST_F(SealedSlotsTest, WhoMustRewrapFailsWhenOneOfSeveralSlotsIsNotMade) {
  MakeFile("a");
  options_.must_rewrap = true;
  world_.SetDown('b', true);
  EXPECT_THAT(LoadError("ab").message(),
              HasSubstr("aws-kms alias/b could not be added or wrapped again: "
                        "it is down"));
  world_.SetDown('b', false);
  options_.read_only = true;
  EXPECT_EQ(LoadError("ab").code(), StatusCode::kReadOnly);
  options_.read_only = false;
  files_.FailAt("append", {StatusCode::kUnavailable, "disk"});
  EXPECT_THAT(LoadError("ab").message(), HasSubstr("could not be changed"));
  files_.hook = nullptr;
  EXPECT_EQ(StatesOf(*Load("ab")), "1aO 2bO ");
  options_.encryption_context = {{"team", "x"}};
  world_.FailAt('a', "Wrap");
  EXPECT_THAT(LoadError("ab").message(), HasSubstr("key slot 1 (aws-kms"));
  EXPECT_THAT(Read().header.slots[1].parameters, IsEmpty())
      << "the others were wrapped again";
  world_.SetDown('a', false);
  EXPECT_EQ(StatesOf(*Load("ab")), "1aO 2bU ");
}

TEST_F(SealedSlotsTest, WhatIsOpenedReadOnlyAsksNobodyToWrapItAgain) {
  MakeFile("a");
  const Bytes before = Content();
  world_.kms[0].SetCurrentKey("alias/new");
  const int calls = world_.kms[0].calls("Wrap");
  options_.read_only = true;
  for (const bool must_rewrap : {false, true}) {
    options_.must_rewrap = must_rewrap;
    auto store = Make("a");
    const Status status = store->Load(world_.Soon()).status();
    const Status problem =
        must_rewrap ? status : store->slots().List().front().problem;
    EXPECT_EQ(problem.code(), StatusCode::kReadOnly);
    EXPECT_THAT(problem.message(), HasSubstr("the file was opened read-only"));
  }
  EXPECT_EQ(world_.kms[0].calls("Wrap"), calls);
  EXPECT_EQ(Content(), before);
}

TEST_F(SealedSlotsTest, WhetherASlotMayBeRemovedIsSaidBeforeItIs) {
  const auto may_remove = [this](SealedStore& store, uint16_t number) {
    return store.slots().MayRemove(number, world_.Soon());
  };
  MakeFile("ab");
  options_.read_only = true;
  auto store = Load("a");
  EXPECT_TRUE(may_remove(*store, 2).ok());
  EXPECT_TRUE(store->slots().IsConfigured(1));
  EXPECT_FALSE(store->slots().IsConfigured(2));
  EXPECT_FALSE(store->slots().IsConfigured(7));
  EXPECT_THAT(may_remove(*store, 1).message(),
              HasSubstr("no other key slot was opened just now"));
  EXPECT_THAT(may_remove(*store, 7).message(),
              HasSubstr("the file has no key slot 7"));
  options_.read_only = false;
  store = Load("a");
  ASSERT_TRUE(store->slots().Remove(2).ok());
  store = nullptr;
  const Bytes before = Content();
  options_.read_only = true;
  EXPECT_THAT(may_remove(*Load("a"), 1).message(),
              HasSubstr("no KMS key could open the file without it"));
  EXPECT_TRUE(may_remove(*Load("ac"), 1).ok()) << "c would be added before";
  world_.SetDown('c', true);
  EXPECT_THAT(may_remove(*Load("ac"), 1).message(),
              HasSubstr("no KMS key could open the file without it"));
  EXPECT_EQ(Content(), before);
}

TEST_F(SealedSlotsTest, AFileOfAnotherProductIsRefused) {
  MakeFile("ab");
  SealedFileBackend backend(
      SealedStoreDependencies{files_, SystemRandom(), world_.log},
      world_.Configured("ab"),
      std::make_shared<KeyringFile>(files_, SystemRandom(), "keyring",
                                    std::nullopt),
      FileBackendOptions{});
  const Status status = backend.Load(world_.Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("openkeyring:product is not ours"));
}

TEST_F(SealedSlotsTest, PutAllStoresAllInOneAppend) {
  options_.put_all = true;
  auto store = Load("a");
  EXPECT_EQ(Read().version, 2);
  const uint64_t generation = Read().header.generation;
  size_t syncs = 0;
  files_.hook = [&](const std::string& step) {
    syncs += step == "sync";
    return Status::Ok();
  };
  ASSERT_TRUE(store->PutAll(Batch({"1", "2", "3"})).ok());
  EXPECT_EQ(syncs, 1u);
  files_.hook = nullptr;
  EXPECT_EQ(Read().header.generation, generation);
  EXPECT_EQ(store->PutAll(Batch({"4", "2"})).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(store->PutAll(Batch({"5", "5"})).code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(store->PutAll({}).ok());
  EXPECT_TRUE(store->Remove({"2", ""}).ok());
  ASSERT_TRUE(store->PutAll(Batch({"4", "2"})).ok());
  store = nullptr;
  Load("a");
  EXPECT_EQ(loaded_,
            (Texts{{"1", "1!"}, {"2", "2!"}, {"3", "3!"}, {"4", "4!"}}));
}

TEST_F(SealedSlotsTest, AFileOfVersionOneIsRewrittenForTheFirstPutAll) {
  MakeFile("a");
  auto store = Load("a");
  ASSERT_TRUE(store->PutAll(Batch({"1", "2"})).ok());
  EXPECT_EQ(Read().version, 2);
  EXPECT_TRUE(Read().header.put_all);
  store = nullptr;
  Load("a");
  EXPECT_EQ(loaded_, (Texts{{"k", "data"}, {"1", "1!"}, {"2", "2!"}}));
}

TEST_F(SealedSlotsTest, AFailedPutAllLeavesNothingBehind) {
  options_.put_all = true;
  auto store = Load("a");
  files_.hook = [](const std::string& step) {
    return step == "sync" ? Status(StatusCode::kUnavailable, "disk") : Status();
  };
  EXPECT_EQ(store->PutAll(Batch({"1", "2"})).code(), StatusCode::kUnavailable);
  files_.hook = nullptr;
  ASSERT_TRUE(store->PutAll(Batch({"2", "3"})).ok());
  store = nullptr;
  Load("a");
  EXPECT_EQ(loaded_, (Texts{{"2", "2!"}, {"3", "3!"}}));
}

}  // namespace
}  // namespace openkeyring
