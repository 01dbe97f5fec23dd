// SPDX-License-Identifier: MIT
#include "storage/sealed/record_opener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "os/random.h"
#include "storage/sealed/sealed_log.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

constexpr int kRecords = 600;
constexpr uint64_t kGeneration = 1;

// A log of kRecords records, in which every tenth takes back the one before it.
class RecordOpenerTest : public testing::Test {
 protected:
  struct Record {
    RecordKind kind;
    RecordTag previous;
    size_t at, size;
  };

  RecordOpenerTest() {
    const auto log = *SealedLog::Make(data_key_, file_id_, kGeneration,
                                      SystemRandom(), /*put_all=*/true);
    RecordTag tag{};
    for (int i = 0; i < kRecords; ++i) {
      const bool is_removal = i % 10 == 9;
      const Key key = {{"k" + std::to_string(is_removal ? i - 1 : i), ""},
                       "AES",
                       Secret::CopyOf("value " + std::to_string(i))};
      const Bytes record =
          is_removal ? *log->SealRemove(key) : *log->SealPut(key);
      log->Advance();
      records_.push_back({is_removal ? RecordKind::kRemove : RecordKind::kPut,
                          tag, bytes_.size(), record.size()});
      PutBytes(bytes_, record);
      PutBytes(bytes_, *log->Done());
      std::copy(record.end() - kAeadTag, record.end(), tag.begin());
    }
  }

  RecordOpener Opener() {
    return std::move(*RecordOpener::Make(data_key_, file_id_, kGeneration));
  }
  ByteView Of(const Record& record) const {
    return ByteView(bytes_).subspan(record.at, record.size);
  }
  static std::string Text(const Result<std::vector<Key>>& keys) {
    if (!keys) return keys.error().ToString();
    std::string text;
    for (const Key& key : *keys) {
      text += key.name.data_id + "|" + key.type + "|" +
              std::string(key.data.RevealText()) + "\n";
    }
    return text;
  }
  // What a log of these bytes comes to.
  std::string Replayed(ByteView bytes) const {
    const auto log = *SealedLog::Make(data_key_, file_id_, kGeneration,
                                      SystemRandom(), /*put_all=*/true);
    const Result<ReplayedLog> replayed = log->Replay(bytes, 0);
    if (!replayed) return replayed.error().ToString();
    std::string text = std::to_string(replayed->good);
    for (const auto& [name, key] : replayed->keys) {
      text += " " + name.data_id + "=" + std::string(key.data.RevealText());
    }
    return text;
  }

  const Secret data_key_ = Secret(32);
  const FileId file_id_{};
  Bytes bytes_;
  std::vector<Record> records_;
};

TEST_F(RecordOpenerTest, ThreadsOpenWhatOneOpens) {
  RecordOpener opener = Opener(), other = Opener();
  for (const size_t threads : {1, 2, 3, 7}) {
    RecordsAhead ahead(other, bytes_, threads);
    for (const Record& one : records_) {
      EXPECT_EQ(Text(ahead.Open(one.kind, one.previous, Of(one))),
                Text(opener.Open(one.kind, one.previous, Of(one))));
    }
  }
}

// Whatever was opened ahead: the answer is the one to what is asked.
TEST_F(RecordOpenerTest, AnotherTagOrRecordOrKindIsNotWhatWasOpened) {
  RecordOpener other = Opener();
  RecordsAhead ahead(other, bytes_, 3);
  const Record& first = records_[0];
  ASSERT_TRUE(ahead.Open(first.kind, first.previous, Of(first)));
  const Record& next = records_[1];
  RecordTag wrong = next.previous;
  wrong[15] ^= 1;
  EXPECT_FALSE(ahead.Open(next.kind, wrong, Of(next)));
  EXPECT_FALSE(ahead.Open(RecordKind::kPutAll, next.previous, Of(next)));
  EXPECT_FALSE(
      ahead.Open(next.kind, next.previous, Of(next).first(next.size - 1)));
  EXPECT_FALSE(ahead.Open(next.kind, next.previous, Of(records_[2])));
  EXPECT_EQ(Text(ahead.Open(next.kind, next.previous, Of(next))),
            "k1|AES|value 1\n");
}

TEST_F(RecordOpenerTest, ALongLogComesToTheSameWhereverItIsCut) {
  const std::string whole = Replayed(bytes_);
  EXPECT_NE(whole.find(" k597="), std::string::npos);
  EXPECT_EQ(whole.find(" k8="), std::string::npos);
  for (size_t i = 0; i < records_.size(); i += 37) {
    const std::string before = Replayed(ByteView(bytes_).first(records_[i].at));
    const std::string torn =
        Replayed(ByteView(bytes_).first(records_[i].at + records_[i].size - 1));
    EXPECT_EQ(before, torn) << i;
  }
}

TEST_F(RecordOpenerTest, AFlippedByteInALongLogIsFoundWhereItIs) {
  for (size_t i = 0; i < records_.size(); i += 37) {
    for (const size_t at : {size_t{0}, size_t{8}, size_t{21}, size_t{60},
                            records_[i].size - 20, records_[i].size - 1}) {
      Bytes damaged = bytes_;
      damaged[records_[i].at + at] ^= 4;
      EXPECT_THAT(
          Replayed(damaged),
          HasSubstr("damaged at byte " + std::to_string(records_[i].at) + " "))
          << i << " " << at;
    }
  }
}

}  // namespace
}  // namespace openkeyring
