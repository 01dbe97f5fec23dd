// SPDX-License-Identifier: MIT
#include "storage/sealed/key_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>

#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A key that wraps by putting its name before the data key, and that can be
// told to fail, to hang and to lie.
class ScriptedKey : public SlotKey {
 public:
  ScriptedKey(SlotKind kind, std::string name, std::string maker = "")
      : kind_(kind), name_(std::move(name)), maker_(std::move(maker)) {}

  SlotKind kind() const override { return kind_; }
  std::string name() const override { return name_; }
  bool CanOpen() const override { return kind_ != SlotKind::kPublicKey; }
  bool IsLastResort() const override { return kind_ == SlotKind::kLocalFile; }
  bool Owns(const KeySlot& slot) const override {
    return slot.kind == kind_ && slot.name == name_;
  }
  bool IsCurrent(const KeySlot& slot) const override {
    return Owns(slot) && slot.parameters.empty();
  }
  Result<KeySlot> Seal(const Secret& data_key, const SlotBinding&,
                       const Deadline&) override {
    ++seals;
    if (!seal_error.ok()) return seal_error;
    Bytes blob(name_.begin(), name_.end());
    PutBytes(blob, data_key.RevealBytes());
    return KeySlot{0,  kind_, name_, maker_.empty() ? "arn " + name_ : maker_,
                   {}, blob};
  }
  Result<GeneratedSlot> Generate(const SlotBinding& binding,
                                 const Deadline& deadline) override {
    if (kind_ != SlotKind::kAwsKms) return SlotKey::Generate(binding, deadline);
    Secret key = Secret::CopyOf(std::string(kDataKeyBytes, 'n'));
    Result<KeySlot> slot = Seal(key, binding, deadline);
    if (!slot) return slot.error();
    return GeneratedSlot{std::move(*slot), std::move(key)};
  }
  Result<Secret> Open(const KeySlot& slot, const SlotBinding&,
                      const Deadline& deadline) override {
    ++opens;
    while (hangs && !deadline.IsCancelled()) std::this_thread::yield();
    if (hangs) return Status(StatusCode::kUnavailable, "cancelled");
    if (!open_error.ok()) return open_error;
    return Secret::CopyOf(ByteView(slot.blob).last(kDataKeyBytes));
  }

  Status open_error, seal_error;
  bool hangs = false;
  std::atomic<int> opens = 0, seals = 0;

 private:
  const SlotKind kind_;
  const std::string name_, maker_;
};

const Status kDown(StatusCode::kUnavailable, "it is down");
const Status kRefused(StatusCode::kDenied, "it was refused");

class KeySlotsTest : public testing::Test {
 protected:
  ScriptedKey& Add(const std::string& name, SlotKind kind = SlotKind::kAwsKms) {
    auto key = std::make_unique<ScriptedKey>(kind, name);
    ScriptedKey& added = *key;
    keys_.push_back(std::move(key));
    return added;
  }
  KeySlots& Slots() {
    if (!slots_) {
      slots_ = std::make_unique<KeySlots>(std::move(keys_), clock_, patience_);
    }
    return *slots_;
  }
  // A slot as the key of that name makes it.
  KeySlot SlotOf(const std::string& name, uint16_t number,
                 SlotKind kind = SlotKind::kAwsKms) {
    KeySlot slot = *ScriptedKey(kind, name).Seal(data_key_, {}, Soon());
    slot.number = number;
    return slot;
  }
  void HeaderWith(std::vector<KeySlot> slots) {
    header_.context = {{"p", "q"}};
    header_.slots = std::move(slots);
  }
  Result<OpenedSlots> Open(bool last_resort = false) {
    const Bytes content = *WriteSealedHeader(header_, data_key_);
    return Slots().Open(content, *ReadSealedHeader(content), last_resort,
                        Soon());
  }
  Result<UpdatedSlots> Update(const EncryptionContext& context = {{"p", "q"}}) {
    return Slots().Update(header_, data_key_, context, Soon());
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(60000)); }
  static std::vector<std::string> NamesOf(
      const std::vector<SlotProblem>& problems) {
    std::vector<std::string> names;
    for (const auto& problem : problems)
      names.push_back(ToString(problem.slot));
    return names;
  }

  ManualClock clock_;
  // The clock moves whenever somebody looks whether another one is late.
  Millis patience_{1'000'000'000};
  std::vector<std::unique_ptr<SlotKey>> keys_;
  std::unique_ptr<KeySlots> slots_;
  SealedHeader header_;
  const Secret data_key_ = Secret::CopyOf(std::string(kDataKeyBytes, 'd'));
};

TEST_F(KeySlotsTest, AKmsKeyThatIsNotNamedNeverGetsASlot) {
  ScriptedKey& unnamed = Add("");
  Add("l", SlotKind::kLocalFile);
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2)});
  const auto updated = Update();
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_EQ(unnamed.seals, 0);
  ASSERT_EQ(updated->header.slots.size(), 3u);
  EXPECT_EQ(updated->header.slots.back().kind, SlotKind::kLocalFile);
  EXPECT_TRUE(updated->missing.empty());
}

TEST_F(KeySlotsTest, TheFirstConfiguredKeyOpensWithoutAskingTheOthers) {
  ScriptedKey& second = Add("b");
  ScriptedKey& first = Add("a");
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2)});
  const auto opened = Open();
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_TRUE(opened->data_key.Equals(data_key_));
  EXPECT_EQ(opened->slot.number, 2);
  EXPECT_THAT(opened->failures, IsEmpty());
  EXPECT_EQ(second.opens, 1);
  EXPECT_EQ(first.opens, 0);
}

TEST_F(KeySlotsTest, AFailureIsReportedWhenAnotherOneOpened) {
  Add("a").open_error = kRefused;
  Add("b");
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2)});
  const auto opened = Open();
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->slot.number, 2);
  ASSERT_THAT(NamesOf(opened->failures), ElementsAre("key slot 1 (aws-kms a)"));
  EXPECT_EQ(opened->failures[0].status.code(), StatusCode::kDenied);
}

TEST_F(KeySlotsTest, OneThatHangsIsOvertakenAfterASecondAndReported) {
  patience_ = Millis(1000);
  Add("a").hangs = true;
  Add("b");
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2)});
  const auto begin = clock_.Steady();
  const auto opened = Open();
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->slot.number, 2);
  EXPECT_GE(clock_.Steady() - begin, Millis(1000));
  EXPECT_LT(clock_.Steady() - begin, Millis(2000));
  ASSERT_THAT(NamesOf(opened->failures), ElementsAre("key slot 1 (aws-kms a)"));
  EXPECT_THAT(opened->failures[0].status.message(),
              HasSubstr("had not answered"));
}

TEST_F(KeySlotsTest, ASlotThatOpensAsAnotherKeyIsAFailureOfThatSlot) {
  Add("a");
  Add("b");
  KeySlot wrong = SlotOf("a", 1);
  wrong.blob.back() ^= 1;
  HeaderWith({wrong, SlotOf("b", 2)});
  const auto opened = Open();
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->data_key.Equals(data_key_));
  ASSERT_THAT(NamesOf(opened->failures), ElementsAre("key slot 1 (aws-kms a)"));
  EXPECT_EQ(opened->failures[0].status.code(), StatusCode::kCorrupt);
  HeaderWith({wrong});
  EXPECT_EQ(Open().status().code(), StatusCode::kCorrupt);
}

TEST_F(KeySlotsTest, WhenNoneOpensAllAreNamed) {
  Add("a").open_error = kRefused;
  Add("b").open_error = kDown;
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2)});
  const Status status = Open().status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << "it may pass";
  EXPECT_THAT(status.message(),
              HasSubstr("key slot 1 (aws-kms a): it was refused; "
                        "key slot 2 (aws-kms b): it is down"));
}

TEST_F(KeySlotsTest, TheOnlySlotsErrorIsLeftAsItIs) {
  Add("a").open_error = kRefused;
  HeaderWith({SlotOf("a", 1)});
  EXPECT_EQ(Open().status().message(), "it was refused");
}

TEST_F(KeySlotsTest, TheLastResortComesLastAndOnlyWhenAllowed) {
  ScriptedKey& local = Add("local", SlotKind::kLocalFile);
  ScriptedKey& kms = Add("a");
  HeaderWith({SlotOf("local", 1, SlotKind::kLocalFile), SlotOf("a", 2)});
  ASSERT_TRUE(Open(true));
  EXPECT_EQ(local.opens, 0) << "KMS works";
  kms.open_error = kDown;
  EXPECT_EQ(Open(false).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(local.opens, 0) << "not allowed";
  const auto opened = Open(true);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->last_resort);
  EXPECT_EQ(opened->slot.number, 1);
  EXPECT_THAT(NamesOf(opened->failures), ElementsAre("key slot 2 (aws-kms a)"));
}

TEST_F(KeySlotsTest, WithoutAKeyThatMayOpenTheSlotsAreNamed) {
  Add("pub", SlotKind::kPublicKey);
  HeaderWith({SlotOf("a", 1), SlotOf("pub", 2, SlotKind::kPublicKey)});
  const Status status = Open().status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("key slot 1 (aws-kms a)"));
}

TEST_F(KeySlotsTest, SlotsOfNobodyAreTriedWhenAllOthersHaveFailed) {
  ScriptedKey& a = Add("new a");
  Add("new b");
  HeaderWith({SlotOf("old a", 1), SlotOf("old b", 2)});
  const auto opened = Open();
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->slot.number, 1);
  EXPECT_EQ(a.opens, 1);
}

TEST_F(KeySlotsTest, TheOnlyKmsKeyAndSlotBelongTogetherWhateverTheirNames) {
  Add("new");
  Add("pub", SlotKind::kPublicKey);
  HeaderWith({SlotOf("old", 1), SlotOf("old pub", 2, SlotKind::kPublicKey)});
  const SlotMatch match = Slots().Match(header_);
  EXPECT_THAT(match.slot_of_key, ElementsAre(0u, std::nullopt));
  const auto updated = Update();
  ASSERT_TRUE(updated);
  ASSERT_THAT(updated->header.slots, SizeIs(3));
  EXPECT_EQ(updated->header.slots[0].name, "new");
  EXPECT_EQ(updated->header.slots[0].number, 1);
  EXPECT_EQ(updated->header.slots[1], header_.slots[1]);
  EXPECT_EQ(updated->header.slots[2].number, 3);
}

TEST_F(KeySlotsTest, AMissingSlotIsAddedBehindTheOthers) {
  Add("b");
  Add("a");
  HeaderWith({SlotOf("a", 7)});
  const auto pending = Slots().Pending(header_, header_.context);
  ASSERT_TRUE(pending);
  ASSERT_THAT(*pending, SizeIs(1));
  EXPECT_EQ(ToString((*pending)[0]), "aws-kms b");
  const auto updated = Update();
  ASSERT_TRUE(updated);
  EXPECT_TRUE(updated->changed);
  ASSERT_THAT(updated->header.slots, SizeIs(2));
  EXPECT_EQ(updated->header.slots[0], header_.slots[0]);
  EXPECT_EQ(updated->header.slots[1], SlotOf("b", 8));
}

TEST_F(KeySlotsTest, AKeyThatIsAwayIsReportedAndNothingIsChanged) {
  Add("a");
  Add("b").seal_error = kDown;
  HeaderWith({SlotOf("a", 1)});
  const auto updated = Update();
  ASSERT_TRUE(updated);
  EXPECT_FALSE(updated->changed);
  EXPECT_EQ(updated->header, header_);
  EXPECT_THAT(NamesOf(updated->missing), ElementsAre("aws-kms b"));
}

TEST_F(KeySlotsTest, AKeyUnderAnotherNameGetsNoSecondSlot) {
  Add("a");
  Add("alias");
  KeySlot under_arn = SlotOf("arn", 2);
  under_arn.maker = "arn alias";
  HeaderWith({SlotOf("a", 1), under_arn});
  const auto updated = Update();
  ASSERT_TRUE(updated);
  ASSERT_THAT(updated->header.slots, SizeIs(2));
  EXPECT_EQ(updated->header.slots[1], SlotOf("alias", 2));
}

TEST_F(KeySlotsTest, AnotherContextLeavesSlotsOfAbsentKeysBoundToTheOldOne) {
  Add("a");
  ScriptedKey& b = Add("b");
  b.seal_error = kDown;
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2)});
  const EncryptionContext changed = {{"p", "other"}};
  auto updated = Update(changed);
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->header.context, changed);
  EXPECT_EQ(*ContextOf(updated->header.slots[0], changed), changed);
  EXPECT_EQ(*ContextOf(updated->header.slots[1], changed), header_.context);
  EXPECT_EQ(updated->header.slots[1].blob, header_.slots[1].blob);
  EXPECT_THAT(NamesOf(updated->stale), ElementsAre("key slot 2 (aws-kms b)"));
  header_ = updated->header;
  b.seal_error = Status::Ok();
  updated = Update(changed);
  ASSERT_TRUE(updated);
  EXPECT_THAT(updated->rewrapped, SizeIs(1));
  EXPECT_THAT(updated->header.slots[1].parameters, IsEmpty());
}

TEST_F(KeySlotsTest, WithContextIsUndoneByItsContrary) {
  HeaderWith({SlotOf("a", 1), SlotOf("x", 2, static_cast<SlotKind>(9))});
  header_.slots[1].parameters = {1, 2, 3};
  const auto changed = WithContext(header_, {{"r", "s"}});
  ASSERT_TRUE(changed);
  EXPECT_NE(*changed, header_);
  EXPECT_EQ(changed->slots[1], header_.slots[1]) << "not ours to change";
  EXPECT_EQ(*WithContext(*changed, header_.context), header_);
  header_.slots[0].parameters = {1};
  EXPECT_EQ(WithContext(header_, {}).status().code(), StatusCode::kCorrupt);
}

TEST_F(KeySlotsTest, ANewDataKeyIsMadeByTheFirstKeyThatCan) {
  Add("a").seal_error = kDown;
  Add("b");
  Add("pub", SlotKind::kPublicKey);
  const auto made = Slots().Generate({}, Soon());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->data_key.size(), kDataKeyBytes);
  ASSERT_THAT(made->slots, SizeIs(2));
  EXPECT_EQ(ToString(made->slots[0]), "key slot 1 (aws-kms b)");
  EXPECT_EQ(ToString(made->slots[1]), "key slot 2 (public-key pub)");
  EXPECT_THAT(made->keys, ElementsAre(1, 2));
  EXPECT_THAT(NamesOf(made->missing), ElementsAre("aws-kms a"));
}

TEST_F(KeySlotsTest, WithoutAKeyThatMakesADataKeyAllAreNamed) {
  Add("a").seal_error = kDown;
  Add("local", SlotKind::kLocalFile);
  const Status status = Slots().Generate({}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("aws-kms a: it is down"));
  EXPECT_THAT(status.message(), HasSubstr("local-file local"));
}

TEST_F(KeySlotsTest, EachSlotIsOpenedForACheck) {
  Add("a").open_error = kRefused;
  Add("b");
  Add("pub", SlotKind::kPublicKey);
  Add("local", SlotKind::kLocalFile);
  HeaderWith({SlotOf("a", 1), SlotOf("b", 2),
              SlotOf("pub", 3, SlotKind::kPublicKey), SlotOf("foreign", 4),
              SlotOf("local", 5, SlotKind::kLocalFile)});
  const Bytes content = *WriteSealedHeader(header_, data_key_);
  const auto results =
      Slots().OpenEach(content, *ReadSealedHeader(content), Soon());
  EXPECT_THAT(NamesOf(results),
              ElementsAre("key slot 1 (aws-kms a)", "key slot 2 (aws-kms b)",
                          "key slot 5 (local-file local)"));
  EXPECT_EQ(results[0].status.code(), StatusCode::kDenied);
  EXPECT_TRUE(results[1].status.ok());
  EXPECT_TRUE(results[2].status.ok());
}

}  // namespace
}  // namespace openkeyring
