// SPDX-License-Identifier: MIT
#include "keyring/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/memory_backend.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class KeyringTest : public testing::Test {
 protected:
  KeyringTest() : owned_(new MemoryBackend()), backend_(*owned_) {}

  Status Load() {
    auto loaded = Keyring::Load(std::move(owned_), clock_, random_, options_,
                                Deadline::After(clock_, Millis(7)));
    if (!loaded) return loaded.error();
    keyring_ = std::move(*loaded);
    return Status::Ok();
  }
  static Key MakeKey(const std::string& id, const std::string& owner = "",
                     const std::string& data = "data",
                     const std::string& type = "AES") {
    return {{id, owner}, type, Secret::CopyOf(data)};
  }
  // As "type:data", "-" for none.
  std::string Found(const KeyName& name) const {
    const auto key = keyring_->Find(name);
    return key ? key->type + ":" + std::string(key->data.RevealText()) : "-";
  }

  ManualClock clock_;
  FakeRandom random_;
  Keyring::Options options_;
  std::unique_ptr<MemoryBackend> owned_;
  MemoryBackend& backend_;  // Lives as long as the keyring.
  std::unique_ptr<Keyring> keyring_;
};

TEST_F(KeyringTest, LoadsEveryKeyWithinTheDeadline) {
  backend_.Put({"b", ""}, "AES", "1");
  backend_.Put({"a", "u@h"}, "SECRET", "2");
  backend_.Put({"a", ""}, "RSA", "3");
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(backend_.deadline(), clock_.Steady() + Millis(7));
  EXPECT_EQ(keyring_->size(), 3u);
  EXPECT_EQ(Found({"b", ""}), "AES:1");
  EXPECT_EQ(Found({"a", "u@h"}), "SECRET:2");
  EXPECT_EQ(Found({"a", ""}), "RSA:3");
  EXPECT_EQ(Found({"b", "u@h"}), "-");
  EXPECT_EQ(Found({"A", ""}), "-");
  EXPECT_EQ(Found({"", ""}), "-");
}

TEST_F(KeyringTest, ListsInTheOrderOfNames) {
  backend_.Put({"b", ""}, "AES", "1");
  backend_.Put({"a", "u@h"}, "AES", "2");
  backend_.Put({"a", ""}, "AES", "3");
  ASSERT_TRUE(Load().ok());
  std::vector<KeyName> names;
  for (const auto& key : keyring_->List()) names.push_back(key->name);
  EXPECT_THAT(names, ElementsAre(KeyName{"a", ""}, KeyName{"a", "u@h"},
                                 KeyName{"b", ""}));
}

TEST_F(KeyringTest, TwoKeysOfOneNameAreCorrupt) {
  backend_.Put({"twice", "u@h"}, "AES", "1");
  backend_.Put({"twice", "u@h"}, "AES", "1");
  const Status status = Load();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("\"twice\" of \"u@h\""));
}

TEST_F(KeyringTest, LoadOfUnreachableBackendIsThatErrorAndNoEmptyKeyring) {
  for (const StatusCode code :
       {StatusCode::kUnavailable, StatusCode::kTimeout, StatusCode::kDenied,
        StatusCode::kCorrupt, StatusCode::kMisconfigured}) {
    auto backend = std::make_unique<MemoryBackend>();
    backend->PushFault({code, "why"});
    const auto loaded = Keyring::Load(std::move(backend), clock_, random_, {},
                                      Deadline::After(clock_, Millis(7)));
    EXPECT_EQ(loaded.status().code(), code);
  }
}

TEST_F(KeyringTest, StoresOnceAndNeverOverwrites) {
  ASSERT_TRUE(Load().ok());
  EXPECT_TRUE(keyring_->Store(MakeKey("k", "", "first")).ok());
  EXPECT_EQ(backend_.deadline(), clock_.Steady() + Millis(5000));
  EXPECT_EQ(keyring_->Store(MakeKey("k", "", "second")).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(keyring_->Generate({"k", ""}, "AES", 16).code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(keyring_->Store(MakeKey("k", "u@h", "third")).ok());
  EXPECT_EQ(Found({"k", ""}), "AES:first");
  EXPECT_EQ(backend_.calls("Store"), 2);
  EXPECT_THAT(backend_.Contents(),
              ElementsAre(Pair(KeyName{"k", ""}, "AES:first"),
                          Pair(KeyName{"k", "u@h"}, "AES:third")));
}

TEST_F(KeyringTest, RemovesWhatIsThere) {
  ASSERT_TRUE(Load().ok());
  ASSERT_TRUE(keyring_->Store(MakeKey("k")).ok());
  const auto held = keyring_->Find({"k", ""});
  EXPECT_EQ(keyring_->Remove({"k", "u@h"}).code(), StatusCode::kNotFound);
  EXPECT_EQ(backend_.calls("Remove"), 0);
  EXPECT_TRUE(keyring_->Remove({"k", ""}).ok());
  EXPECT_EQ(Found({"k", ""}), "-");
  EXPECT_EQ(keyring_->Remove({"k", ""}).code(), StatusCode::kNotFound);
  EXPECT_THAT(backend_.Contents(), IsEmpty());
  EXPECT_TRUE(keyring_->Store(MakeKey("k", "", "again")).ok());
  EXPECT_EQ(Found({"k", ""}), "AES:again");
  EXPECT_EQ(held->data.RevealText(), "data") << "who has a key keeps it";
}

TEST_F(KeyringTest, RefusesKeysThatCannotBe) {
  ASSERT_TRUE(Load().ok());
  const auto refused = [&](Key key) {
    return keyring_->Store(std::move(key)).code() ==
           StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused(MakeKey("")));
  EXPECT_TRUE(refused(MakeKey("", "u@h")));
  EXPECT_TRUE(refused(MakeKey("k", "", "data", "")));
  EXPECT_TRUE(refused(MakeKey("k", "", std::string(kMaxKeyBytes + 1, 'x'))));
  EXPECT_EQ(backend_.calls("Store"), 0);
  EXPECT_FALSE(refused(MakeKey("1", "", "x")));
  EXPECT_FALSE(refused(MakeKey("2", "", std::string(kMaxKeyBytes, 'x'))));
  EXPECT_FALSE(refused(MakeKey("3", "", ""))) << "as stock components do";
  EXPECT_EQ(keyring_->size(), 3u);
}

TEST_F(KeyringTest, GeneratesKeysOfEverySizeThatCanBe) {
  ASSERT_TRUE(Load().ok());
  for (const size_t size : {size_t{0}, kMaxKeyBytes + 1, ~size_t{0}}) {
    EXPECT_EQ(keyring_->Generate({"k", ""}, "AES", size).code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(keyring_->Generate({"", ""}, "AES", 16).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keyring_->Generate({"k", ""}, "", 16).code(),
            StatusCode::kInvalidArgument);
  ASSERT_TRUE(keyring_->Generate({"1", ""}, "AES", 32).ok());
  ASSERT_TRUE(keyring_->Generate({"2", "u@h"}, "SECRET", kMaxKeyBytes).ok());
  EXPECT_EQ(keyring_->Find({"1", ""})->data.size(), 32u);
  EXPECT_EQ(keyring_->Find({"2", "u@h"})->data.size(), kMaxKeyBytes);
  EXPECT_EQ(keyring_->Find({"2", "u@h"})->type, "SECRET");
  EXPECT_FALSE(keyring_->Find({"1", ""})->data.Equals(Secret(32)));
  EXPECT_EQ(backend_.Contents().size(), 2u);
}

TEST_F(KeyringTest, WithoutRandomnessNothingIsGenerated) {
  class BrokenRandom : public FakeRandom {
   public:
    Status Fill(std::span<uint8_t>) override {
      return {StatusCode::kInternal, "no randomness"};
    }
  } broken;
  auto keyring = Keyring::Load(std::move(owned_), clock_, broken, {},
                               Deadline::After(clock_, Millis(7)));
  ASSERT_TRUE(keyring);
  EXPECT_EQ((*keyring)->Generate({"k", ""}, "AES", 16).code(),
            StatusCode::kInternal);
  EXPECT_EQ((*keyring)->Find({"k", ""}), nullptr);
  EXPECT_EQ((*keyring)->size(), 0u);
}

TEST_F(KeyringTest, ReadOnlyRefusesEveryChange) {
  options_.read_only = true;
  backend_.Put({"k", ""}, "AES", "data");
  ASSERT_TRUE(Load().ok());
  EXPECT_TRUE(keyring_->read_only());
  EXPECT_EQ(keyring_->Store(MakeKey("n")).code(), StatusCode::kReadOnly);
  EXPECT_EQ(keyring_->Store(MakeKey("k")).code(), StatusCode::kReadOnly);
  EXPECT_EQ(keyring_->Generate({"n", ""}, "AES", 16).code(),
            StatusCode::kReadOnly);
  EXPECT_EQ(keyring_->Remove({"k", ""}).code(), StatusCode::kReadOnly);
  EXPECT_EQ(keyring_->Remove({"n", ""}).code(), StatusCode::kReadOnly);
  EXPECT_EQ(backend_.calls("Store") + backend_.calls("Remove"), 0);
  EXPECT_EQ(Found({"k", ""}), "AES:data");
}

TEST_F(KeyringTest, AFailedStoreIsNotVisibleAndCanBeRepeated) {
  ASSERT_TRUE(Load().ok());
  backend_.PushFault({StatusCode::kUnavailable, "disk full"});
  const Status status = keyring_->Store(MakeKey("k"));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("\"k\""));
  EXPECT_THAT(status.message(), HasSubstr("disk full"));
  EXPECT_EQ(Found({"k", ""}), "-");
  EXPECT_TRUE(keyring_->Store(MakeKey("k")).ok());
  EXPECT_EQ(Found({"k", ""}), "AES:data");
}

// What a key server refuses is not what a user may try: it has to be logged.
TEST_F(KeyringTest, ARefusalOfTheBackendIsNoAnswerOfTheRules) {
  backend_.Put({"a", ""}, "AES", "1");
  ASSERT_TRUE(Load().ok());
  for (const StatusCode code :
       {StatusCode::kNotFound, StatusCode::kAlreadyExists,
        StatusCode::kInvalidArgument}) {
    backend_.SetHook([code](const std::string&, const KeyName&) {
      return Status(code, "refused");
    });
    EXPECT_EQ(keyring_->Store(MakeKey("b")).code(), StatusCode::kDenied);
    EXPECT_EQ(keyring_->Remove({"a", ""}).code(), StatusCode::kDenied);
  }
  EXPECT_EQ(keyring_->Remove({"b", ""}).code(), StatusCode::kNotFound);
}

TEST_F(KeyringTest, AFailedRemovalLeavesTheKeyVisible) {
  ASSERT_TRUE(Load().ok());
  ASSERT_TRUE(keyring_->Store(MakeKey("k")).ok());
  backend_.PushFault({StatusCode::kTimeout, "no answer"});
  EXPECT_EQ(keyring_->Remove({"k", ""}).code(), StatusCode::kTimeout);
  EXPECT_EQ(Found({"k", ""}), "AES:data");
  EXPECT_TRUE(keyring_->Remove({"k", ""}).ok());
}

// A change whose effect nobody knows must not lock its name permanently.
TEST_F(KeyringTest, AChangeOfUnknownEffectIsAnErrorUntilAReload) {
  ASSERT_TRUE(Load().ok());
  backend_.PushFault({StatusCode::kTimeout, "no answer"}, true);
  EXPECT_EQ(keyring_->Store(MakeKey("k")).code(), StatusCode::kTimeout);
  EXPECT_EQ(Found({"k", ""}), "-");
  EXPECT_EQ(keyring_->Store(MakeKey("k")).code(), StatusCode::kDenied)
      << "the backend has it";
  EXPECT_EQ(keyring_->Remove({"k", ""}).code(), StatusCode::kNotFound);
}

TEST_F(KeyringTest, AKeyIsVisibleOnlyOnceTheBackendHasIt) {
  ASSERT_TRUE(Load().ok());
  std::string during_store, during_remove;
  backend_.SetHook([&](const std::string& operation, const KeyName& name) {
    (operation == "Store" ? during_store : during_remove) = Found(name);
    return Status::Ok();
  });
  ASSERT_TRUE(keyring_->Store(MakeKey("k")).ok());
  ASSERT_TRUE(keyring_->Remove({"k", ""}).ok());
  EXPECT_EQ(during_store, "-");
  EXPECT_EQ(during_remove, "AES:data");
}

TEST_F(KeyringTest, ReadersAndOtherWritersDoNotWaitForABlockedStore) {
  backend_.Put({"old", ""}, "AES", "data");
  ASSERT_TRUE(Load().ok());
  std::latch started(1), finish(1);
  backend_.SetHook([&](const std::string&, const KeyName& name) {
    if (name != KeyName{"slow", ""}) return Status::Ok();
    started.count_down();
    finish.wait();
    return Status::Ok();
  });
  std::jthread writer(
      [&] { EXPECT_TRUE(keyring_->Store(MakeKey("slow")).ok()); });
  started.wait();
  EXPECT_EQ(Found({"old", ""}), "AES:data");
  EXPECT_EQ(Found({"slow", ""}), "-");
  EXPECT_EQ(keyring_->List().size(), 1u);
  EXPECT_TRUE(keyring_->Store(MakeKey("other")).ok());
  EXPECT_TRUE(keyring_->Remove({"old", ""}).ok());
  EXPECT_TRUE(keyring_->Store(MakeKey("slow", "u@h")).ok());
  finish.count_down();
  writer.join();
  EXPECT_EQ(Found({"slow", ""}), "AES:data");
}

TEST_F(KeyringTest, OfTwoThatStoreOneNameExactlyOneWins) {
  ASSERT_TRUE(Load().ok());
  std::latch both_try(1);
  backend_.SetHook([&](const std::string&, const KeyName&) {
    both_try.wait();
    return Status::Ok();
  });
  Status statuses[2];
  {
    std::jthread one(
        [&] { statuses[0] = keyring_->Store(MakeKey("k", "", "one")); });
    std::jthread two(
        [&] { statuses[1] = keyring_->Store(MakeKey("k", "", "two")); });
    both_try.count_down();
  }
  EXPECT_NE(statuses[0].ok(), statuses[1].ok());
  const Status& lost = statuses[statuses[0].ok() ? 1 : 0];
  EXPECT_EQ(lost.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Found({"k", ""}), statuses[0].ok() ? "AES:one" : "AES:two");
  EXPECT_EQ(backend_.Contents().at({"k", ""}), Found({"k", ""}));
  EXPECT_EQ(backend_.calls("Store"), 1);
  EXPECT_FALSE(backend_.met());
}

TEST_F(KeyringTest, WhoWaitsForAStoreThatFailsGetsItsOwnTry) {
  ASSERT_TRUE(Load().ok());
  std::latch started(1), fail(1);
  backend_.SetHook([&](const std::string&, const KeyName&) {
    if (backend_.calls("Store") > 1) return Status::Ok();
    started.count_down();
    fail.wait();
    return Status(StatusCode::kUnavailable, "disk full");
  });
  std::jthread first([&] {
    EXPECT_EQ(keyring_->Store(MakeKey("k", "", "one")).code(),
              StatusCode::kUnavailable);
  });
  started.wait();
  std::jthread second(
      [&] { EXPECT_TRUE(keyring_->Store(MakeKey("k", "", "two")).ok()); });
  fail.count_down();
  first.join();
  second.join();
  EXPECT_EQ(Found({"k", ""}), "AES:two");
}

}  // namespace
}  // namespace openkeyring
