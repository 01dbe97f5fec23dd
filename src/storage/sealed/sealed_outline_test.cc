// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_outline.h"

#include <gtest/gtest.h>

#include "storage/sealed/sealed_log.h"
#include "testing/fakes.h"

namespace openkeyring {
namespace {

class SealedOutlineTest : public testing::Test {
 protected:
  void SetUp() override {
    header_.file_id.fill(0xa0);
    header_.slots = {
        {1, SlotKind::kAwsKms, "alias/a", "arn", {}, {1, 2, 3}}};
    content_ = *WriteSealedHeader(header_, data_key_);
    header_size_ = content_.size();
    log_ = *SealedLog::Make(data_key_, header_.file_id, 1, random_);
  }
  void Put(const std::string& id, const std::string& owner, size_t bytes) {
    Append(log_->SealPut({{id, owner}, "AES", Secret(bytes)}));
  }
  void Remove(const std::string& id) {
    Append(log_->SealRemove({{id, ""}, "", Secret()}));
  }
  void Append(const Result<Bytes>& record) {
    ASSERT_TRUE(record);
    content_.insert(content_.end(), record->begin(), record->end());
    log_->Advance();
    const Result<Bytes> done = log_->Done();
    ASSERT_TRUE(done);
    content_.insert(content_.end(), done->begin(), done->end());
  }
  SealedOutline Outline() {
    const Result<ReadHeader> read = ReadSealedHeader(content_);
    EXPECT_TRUE(read);
    const auto outline = OutlineSealedFile(content_, *read);
    EXPECT_TRUE(outline);
    return *outline;
  }

  FakeRandom random_;
  const Secret data_key_{kDataKeyBytes};
  SealedHeader header_;
  Bytes content_;
  size_t header_size_ = 0;
  std::unique_ptr<SealedLog> log_;
};

TEST_F(SealedOutlineTest, NamesTypesAndSizesStandInTheClear) {
  Put("a", "", 16);
  Put("b", "u@h", 32);
  const SealedOutline outline = Outline();
  ASSERT_EQ(outline.keys.size(), 2u);
  EXPECT_EQ(outline.keys.at({"a", ""}).type, "AES");
  EXPECT_EQ(outline.keys.at({"a", ""}).bytes, 16u);
  EXPECT_EQ(outline.keys.at({"b", "u@h"}).bytes, 32u);
  EXPECT_EQ(outline.keys.at({"b", "u@h"}).sequence, 2u);
  EXPECT_EQ(outline.good, content_.size());
}

TEST_F(SealedOutlineTest, ARemovedKeyIsNotListed) {
  Put("a", "", 16);
  Put("b", "", 16);
  Remove("a");
  EXPECT_EQ(Outline().keys.size(), 1u);
  EXPECT_TRUE(Outline().keys.contains({"b", ""}));
}

TEST_F(SealedOutlineTest, ItSaysTheSameAsTheLogItself) {
  Put("a", "", 16);
  Put("b", "o", 24);
  Remove("a");
  Put("a", "", 8);
  auto reader = SealedLog::Make(data_key_, header_.file_id, 1, random_);
  ASSERT_TRUE(reader);
  const auto replayed =
      (*reader)->Replay(ByteView(content_).subspan(header_size_), header_size_);
  ASSERT_TRUE(replayed);
  const SealedOutline outline = Outline();
  ASSERT_EQ(outline.keys.size(), replayed->keys.size());
  for (const auto& [name, key] : replayed->keys) {
    EXPECT_EQ(outline.keys.at(name).bytes, key.data.size());
    EXPECT_EQ(outline.keys.at(name).type, key.type);
  }
}

TEST_F(SealedOutlineTest, WhatIsCutAnywhereEndsTheOutlineThere) {
  Put("a", "", 16);
  const size_t first = content_.size();
  Put("b", "", 16);
  const Bytes complete = content_;
  for (size_t size = header_size_; size < complete.size(); ++size) {
    content_.assign(complete.begin(),
                    complete.begin() + static_cast<ptrdiff_t>(size));
    const SealedOutline outline = Outline();
    EXPECT_LE(outline.good, size);
    EXPECT_EQ(outline.keys.contains({"a", ""}), size >= first - 20) << size;
  }
}

TEST_F(SealedOutlineTest, ADamagedPrefixEndsTheOutline) {
  Put("a", "", 16);
  const size_t first = content_.size();
  Put("b", "", 16);
  for (size_t i = 0; i < 20; ++i) {
    content_[first + i] ^= 1;
    EXPECT_EQ(Outline().good, first) << i;
    EXPECT_EQ(Outline().keys.size(), 1u) << i;
    content_[first + i] ^= 1;
  }
}

}  // namespace
}  // namespace openkeyring
