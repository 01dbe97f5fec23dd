// SPDX-License-Identifier: MIT
#include "storage/sealed/opened_key_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/key_names.h"
#include "testing/key_set_fixture.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

constexpr char kSet[] = "aws-kms-key-set";

class OpenedKeySetTest : public KeySetTest {
 protected:
  OpenedKeySetTest() { second_kms_.SetCurrentKey("alias/second"); }

  KeySetOptions Options(bool both) {
    KeySetOptions options = options_;
    options.slots = [this, both] {
      std::vector<std::unique_ptr<SlotKey>> keys;
      keys.push_back(std::make_unique<KmsSlotKey>(kms_));
      if (both) keys.push_back(std::make_unique<KmsSlotKey>(second_kms_));
      return std::make_unique<KeySlots>(std::move(keys), clock_,
                                        Millis(1'000'000'000));
    };
    return options;
  }
  Result<std::unique_ptr<OpenedKeySet>> Open(const KeySetUse& use,
                                             bool both = false) {
    return OpenedKeySet::Open({files_, SystemRandom(), clock_, log_},
                              Options(both), use, Soon());
  }
  Status Error(const KeySetUse& use) { return Open(use).status(); }
  Bytes Content() const { return files_.Content(kSet); }
  void AddFile(const std::string& name, const std::string& text = "") {
    ASSERT_TRUE(CreateDurably(files_, SystemRandom(), "", name, AsBytes(text),
                              0440, std::nullopt)
                    .ok());
  }
};

TEST_F(OpenedKeySetTest, LookingChangesNothing) {
  MakeKeys({{1, 1}, {2, 1}});
  const Bytes before = Content();
  const auto names = files_.Names();
  const auto set = Open({}, true);
  ASSERT_TRUE(set) << set.status().message();
  EXPECT_EQ((*set)->keys().size(), 2u);
  EXPECT_EQ((*set)->slots().List().back().state, SlotState::kMissing);
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(files_.Names(), names);
}

TEST_F(OpenedKeySetTest, AChangeAddsWhatIsMissingAndKeepsTheKeys) {
  MakeKeys({{1, 1}, {1, 2}});
  {
    const auto set = Open({true}, true);
    ASSERT_TRUE(set) << set.status().message();
    EXPECT_EQ((*set)->header().slots.size(), 2u);
  }
  kms_.SetHook([](const std::string&) {
    return Status(StatusCode::kUnavailable, "the first region is down");
  });
  const auto set = Open({}, true);
  ASSERT_TRUE(set) << set.status().message();
  EXPECT_EQ((*set)->keys().size(), 2u);
  EXPECT_EQ((*set)->slots().opened().name, "alias/second");
}

TEST_F(OpenedKeySetTest, WhatAServerHasIsNotChanged) {
  MakeKeys({{1, 1}});
  const auto server = MakePrepared();
  const Status status = Error({true});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("in use"));
  EXPECT_TRUE(Open({}));
}

TEST_F(OpenedKeySetTest, ARewrapIsDoneOrIsAnError) {
  MakeKeys({{1, 1}});
  const Bytes before = Content();
  EXPECT_TRUE(Open({false, true})) << "nothing to do";
  EXPECT_EQ(Open({false, true}, true).status().code(), StatusCode::kReadOnly)
      << "a slot is missing";
  kms_.SetCurrentKey("alias/new");
  EXPECT_EQ(Error({false, true}).code(), StatusCode::kReadOnly);
  FailKms("Wrap", {StatusCode::kUnavailable, "it is down"});
  EXPECT_EQ(Error({true, true}).code(), StatusCode::kUnavailable);
  EXPECT_EQ(Content(), before);
  kms_.SetHook(nullptr);
  const auto set = Open({true, true});
  ASSERT_TRUE(set) << set.status().message();
  EXPECT_EQ((*set)->header().slots.front().name, "alias/new");
}

TEST_F(OpenedKeySetTest, KeyFilesBesideItThatItDoesNotHaveAreAnError) {
  MakeKeys({{1, 1}});
  AddFile("aws-kms-key.3.1", "a key of a server that used key files");
  const Status status = Error({});
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("aws-kms-key.3.1 was not imported"));
}

TEST_F(OpenedKeySetTest, AnOldCopyIsNotTakenForTheNewest) {
  MakeKeys({{1, 1}, {2, 1}});
  AddFile("aws-kms-key-made.1.2");
  const KeySetUse newest = {false, false, true};
  const Status status = Error(newest);
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("lacks version 2 of key 1"));
  EXPECT_TRUE(Open({})) << "to look at it is allowed";
  MakeKeys({{1, 3}});
  EXPECT_TRUE(Open(newest)) << "a later version is there";
}

TEST_F(OpenedKeySetTest, ASetThatCannotBeTheRightOneIsRefused) {
  EXPECT_THAT(Error({}).message(), HasSubstr("there is no key set"));
  MakeKeys({{1, 1}});
  AddFile("aws-kms-key.9.1", "not imported");
  EXPECT_EQ(Error({}).code(), StatusCode::kMisconfigured);
  ASSERT_TRUE(files_.Remove("aws-kms-key.9.1").ok());
  ASSERT_TRUE(Open({}));
  const auto other = WriteInstallationFile(std::string(32, 'a'));
  ASSERT_TRUE(files_.Remove("aws-kms-key-installation").ok());
  AddFile("aws-kms-key-installation", std::string(AsText(*other)));
  EXPECT_THAT(Error({}).message(), HasSubstr("another installation"));
  ASSERT_TRUE(files_.Remove(kSet).ok());
  ASSERT_TRUE(files_.Remove("aws-kms-key-installation").ok());
  const Status lost = Error({true});
  EXPECT_EQ(lost.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(lost.message(), HasSubstr("was made and is missing"));
}

TEST_F(OpenedKeySetTest, ABuiltSetHasTheRecordsUnderTheConfiguredKeys) {
  const std::string installation(32, 'b');
  std::vector<Key> records;
  records.push_back(MakeKeySetRecord({1, 1}, KeyOrigin::kImported,
                                     Secret::CopyOf("0123456789abcdef")));
  records.push_back(MakeKeySetRecord({1, 2}, KeyOrigin::kMade,
                                     Secret::CopyOf("fedcba9876543210")));
  const auto built = BuildKeySet({files_, SystemRandom(), clock_, log_},
                                 Options(true), installation, records, Soon());
  ASSERT_TRUE(built) << built.status().message();
  EXPECT_TRUE(files_.Names().empty()) << "it was made in memory";
  const auto id = WriteInstallationFile(installation);
  AddFile("aws-kms-key-installation", std::string(AsText(*id)));
  AddFile(kSet, std::string(AsText(*built)));
  const auto set = Open({});
  ASSERT_TRUE(set) << set.status().message();
  EXPECT_EQ((*set)->header().slots.size(), 2u);
  EXPECT_TRUE((*set)->header().put_all);
  ASSERT_EQ((*set)->keys().size(), 2u);
  EXPECT_EQ((*set)->keys().at({"1", "1"}).type, "AES-IMPORTED");
  EXPECT_EQ((*set)->keys().at({"1", "2"}).data.RevealText(),
            "fedcba9876543210");
}

TEST_F(OpenedKeySetTest, ASetWithAnyOtherRecordIsNotTheSame) {
  const auto record = [](uint32_t version, KeyOrigin origin,
                         std::string_view text) {
    return MakeKeySetRecord({1, version}, origin, Secret::CopyOf(text));
  };
  const auto compare = [&](std::vector<Key> in_set) {
    std::vector<Key> records;
    records.push_back(record(1, KeyOrigin::kMade, "0123456789abcdef"));
    records.push_back(record(2, KeyOrigin::kMade, "fedcba9876543210"));
    SealedStore::Keys found;
    for (Key& one : in_set) {
      const KeyName name = one.name;
      found.emplace(name, std::move(one));
    }
    return CompareRecords(found, records);
  };
  const auto set_with = [&](Key second) {
    std::vector<Key> in_set;
    in_set.push_back(record(1, KeyOrigin::kMade, "0123456789abcdef"));
    in_set.push_back(std::move(second));
    return in_set;
  };
  const auto same = [&] {
    return set_with(record(2, KeyOrigin::kMade, "fedcba9876543210"));
  };
  EXPECT_TRUE(compare(same()).ok());
  const auto refused = [&](std::vector<Key> in_set) {
    return compare(std::move(in_set)).code() == StatusCode::kCorrupt;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(
      refused(set_with(record(2, KeyOrigin::kMade, "fedcba9876543211"))));
  EXPECT_TRUE(
      refused(set_with(record(2, KeyOrigin::kImported, "fedcba9876543210"))));
  EXPECT_TRUE(
      refused(set_with(record(3, KeyOrigin::kMade, "fedcba9876543210"))));
  std::vector<Key> more = same();
  more.push_back(record(3, KeyOrigin::kMade, "0123456789abcdef"));
  EXPECT_TRUE(refused(std::move(more)));
}

}  // namespace
}  // namespace openkeyring
