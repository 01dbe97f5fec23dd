// SPDX-License-Identifier: MIT
#include "product/slot_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "storage/sealed/sealed_file_backend.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A file whose slots fake services open.
class SlotStatusTest : public testing::Test {
 protected:
  FakeKeyWrapper& Service(const std::string& name) {
    FakeKeyWrapper& service = services_[name];
    service.SetCurrentKey(name);
    return service;
  }
  void Refuse(const std::string& name) {
    Service(name).SetHook([name](const std::string&) {
      return Status(StatusCode::kDenied, name + " says no");
    });
  }
  // What a load with these keys makes of the file.
  SlotSummary Load(const std::vector<std::string>& names) {
    std::vector<std::unique_ptr<SlotKey>> keys;
    for (const std::string& name : names) {
      keys.push_back(std::make_unique<KmsSlotKey>(Service(name)));
    }
    SealedFileBackend backend(
        SealedStoreDependencies{PosixFileSystem(), SystemRandom(), log_},
        std::make_unique<KeySlots>(std::move(keys), SystemClock()),
        std::make_shared<KeyringFile>(PosixFileSystem(), SystemRandom(),
                                      directory_.PathOf("keys"), std::nullopt),
        {});
    const auto loaded =
        backend.Load(Deadline::After(SystemClock(), Millis(20000)));
    EXPECT_TRUE(loaded) << loaded.status().ToString();
    return SummaryOf(backend.store().slots());
  }

  TemporaryDirectory directory_;
  MemoryLog log_;
  std::map<std::string, FakeKeyWrapper> services_;
};

TEST_F(SlotStatusTest, ANewFileHasASlotForEachKeyAndAllWereOpened) {
  const SlotSummary summary = Load({"alias/a", "alias/b"});
  EXPECT_EQ(summary.slots, 2u);
  EXPECT_EQ(summary.opening, 2u);
  EXPECT_FALSE(summary.opened_by_local_slot);
  EXPECT_THAT(summary.opened, HasSubstr("key slot 1 (aws-kms alias/a"));
  EXPECT_EQ(
      summary.failed + summary.untried + summary.missing + summary.foreign, "");
}

TEST_F(SlotStatusTest, WhatWasNotNeededIsUntriedAndWhatFailedSaysWhy) {
  (void)Load({"alias/a", "alias/b"});
  SlotSummary summary = Load({"alias/a", "alias/b"});
  EXPECT_EQ(summary.opening, 1u);
  EXPECT_THAT(summary.untried, HasSubstr("key slot 2 (aws-kms alias/b"));
  Refuse("alias/a");
  summary = Load({"alias/a", "alias/b"});
  EXPECT_EQ(summary.opening, 1u);
  EXPECT_THAT(summary.opened, HasSubstr("key slot 2"));
  EXPECT_THAT(summary.failed, AllOf(HasSubstr("key slot 1 (aws-kms alias/a"),
                                    HasSubstr("alias/a says no")));
  EXPECT_EQ(summary.failed_count, 1u);
  EXPECT_EQ(summary.missing_count, 0u);
}

TEST_F(SlotStatusTest, AMissingSlotIsNotCountedAndSaysWhy) {
  Refuse("alias/b");
  const SlotSummary summary = Load({"alias/a", "alias/b"});
  EXPECT_EQ(summary.slots, 1u);
  EXPECT_EQ(summary.missing_count, 1u);
  EXPECT_EQ(summary.failed_count, 0u);
  EXPECT_THAT(summary.missing,
              AllOf(HasSubstr("alias/b"), HasSubstr("alias/b says no")));
}

TEST_F(SlotStatusTest, ASlotOfNoConfiguredKeyIsForeign) {
  (void)Load({"alias/a", "alias/b"});
  const SlotSummary summary = Load({"alias/a"});
  EXPECT_EQ(summary.slots, 2u);
  EXPECT_THAT(summary.foreign, HasSubstr("key slot 2 (aws-kms alias/b"));
}

TEST_F(SlotStatusTest, RowsHaveTheNumbersAsNumbers) {
  SlotSummary summary;
  summary.slots = 3;
  summary.opening = 2;
  summary.opened_by_local_slot = true;
  summary.failed = "why";
  const auto rows = SlotRows(summary);
  const std::map<std::string, std::string> by_name(rows.begin(), rows.end());
  EXPECT_EQ(by_name.at("Slots"), "3");
  EXPECT_EQ(by_name.at("Slots_opening"), "2");
  EXPECT_EQ(by_name.at("Opened_by_local_slot"), "1");
  EXPECT_EQ(by_name.at("Slots_failed"), "why");
  EXPECT_EQ(by_name.at("Slots_missing"), "");
}

}  // namespace
}  // namespace openkeyring
