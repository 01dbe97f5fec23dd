// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "base/encoding.h"
#include "storage/sealed/sealed_header.h"
#include "testing/fakes.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

// Keys as "type:data", by name.
using Keys = std::map<KeyName, std::string>;

Keys TextsOf(const std::map<KeyName, Key>& keys) {
  Keys texts;
  for (const auto& [name, key] : keys) {
    EXPECT_EQ(name, key.name);
    texts[name] = key.type + ":" + std::string(key.data.RevealText());
  }
  return texts;
}

Secret CountingKey() {
  Bytes key(kDataKeyBytes);
  std::iota(key.begin(), key.end(), 0);
  return Secret::CopyOf(ByteView(key));
}

FileId CountingFile() {
  FileId id;
  std::iota(id.begin(), id.end(), 0xa0);
  return id;
}

class BrokenRandom : public FakeRandom {
 public:
  Status Fill(std::span<uint8_t>) override {
    return {StatusCode::kInternal, "no randomness"};
  }
};

// A log as its file has it, and what each part of it came to.
class Writer {
 public:
  explicit Writer(Random& random, uint64_t generation = 3,
                  FileId file_id = CountingFile())
      : log_(*SealedLog::Make(CountingKey(), file_id, generation, random,
                              true)) {}

  void Put(const KeyName& name, const std::string& data,
           const std::string& type = "AES") {
    Add(log_->SealPut({name, type, Secret::CopyOf(data)}));
    keys_[name] = type + ":" + data;
    after_.push_back(keys_);
  }
  void Remove(const KeyName& name) {
    Add(log_->SealRemove({name, "", Secret()}));
    keys_.erase(name);
    after_.push_back(keys_);
  }
  void PutAll(const std::vector<std::string>& ids) {
    std::vector<Key> keys;
    for (const std::string& id : ids) {
      keys.push_back({{id, "all"}, "AES", Secret::CopyOf(id + " key")});
      keys_[keys.back().name] = "AES:" + id + " key";
    }
    Add(log_->SealPutAll(keys));
    after_.push_back(keys_);
  }
  // Everything that the tests below take apart.
  static Writer Typical(Random& random, uint64_t generation = 3) {
    Writer writer(random, generation);
    writer.Put({"k", ""}, "sixteen byte key");
    writer.Put({"s", "u@h"}, "x", "SECRET");
    writer.Remove({"k", ""});
    writer.Put({"k", ""}, "another 16 bytes");
    writer.PutAll({"1", "2", "OKR"});
    writer.Put({"s", ""}, std::string(40, 'y'));
    return writer;
  }

  SealedLog& log() { return *log_; }
  const std::vector<Bytes>& records() const { return records_; }
  const std::vector<Bytes>& dones() const { return dones_; }
  // Before record 0, after it, after record 1, ...
  const Keys& KeysAfter(size_t records) const { return after_[records]; }
  const Keys& keys() const { return keys_; }

  Bytes Content(bool last_done = true) const {
    Bytes content;
    for (size_t i = 0; i < records_.size(); ++i) {
      PutBytes(content, records_[i]);
      if (last_done || i + 1 < records_.size()) PutBytes(content, dones_[i]);
    }
    return content;
  }

 private:
  void Add(Result<Bytes> record) {
    ASSERT_TRUE(record) << record.error().message();
    log_->Advance();
    records_.push_back(std::move(*record));
    dones_.push_back(*log_->Done());
  }

  std::unique_ptr<SealedLog> log_;
  std::vector<Bytes> records_, dones_;
  Keys keys_;
  std::vector<Keys> after_ = {Keys()};
};

class SealedLogTest : public testing::Test {
 protected:
  Result<ReplayedLog> Replay(ByteView content, uint64_t generation = 3,
                             FileId file_id = CountingFile(),
                             bool put_all = true) {
    return (*SealedLog::Make(CountingKey(), file_id, generation, random_,
                             put_all))
        ->Replay(content, 1000);
  }
  void ExpectRefused(ByteView content, const std::string& what) {
    const auto replayed = Replay(content);
    EXPECT_EQ(replayed.status().code(), StatusCode::kCorrupt) << what;
  }
  void ExpectKeys(ByteView content, const Keys& keys, size_t good,
                  const std::string& what) {
    const auto replayed = Replay(content);
    ASSERT_TRUE(replayed) << what << ": " << replayed.error().message();
    EXPECT_EQ(TextsOf(replayed->keys), keys) << what;
    EXPECT_EQ(replayed->good, good) << what;
  }

  FakeRandom random_;
};

// The records of three changes, made with Python.
constexpr char kTheirs[] =
    "4f4b52010000004a00000000000000013fe24243"
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
    "00016b00000003414553"
    "2957d8631689465b902c4d5f510bc4ac1765bca6aa8b14a8edd09b497ff771af"
    "4f4b52030000000000000000000000018c02c441"
    "4f4b52010000004100000000000000025e00c696"
    "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
    "000173000375406800065345435245544a5058357b7024594fba454c40fff83f"
    "55"
    "4f4b5202000000370000000000000003ae03b2a4"
    "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
    "00016b0000000069bc3726f624d284ada0dbc3ede183e1"
    "4f4b5203000000000000000000000003db69cc16";

TEST_F(SealedLogTest, ReadsWhatAnotherImplementationWrote) {
  const Bytes content = *HexDecode(kTheirs);
  ExpectKeys(content, {{{"s", "u@h"}, "SECRET:x"}}, content.size(), "theirs");
}

TEST_F(SealedLogTest, SaltsAndMarksAreWhatAnotherImplementationMakes) {
  Writer writer(random_);
  writer.Put({"k", ""}, "sixteen byte key");
  const ByteView record = writer.records()[0];
  EXPECT_EQ(HexEncode(record.first(20)),
            "4f4b52010000004a00000000000000013fe24243");
  EXPECT_EQ(HexEncode(record.subspan(20, 32)),
            "5236b8f1f42c813c3b053bd3ebd5dc7a7a946467bb8d06ef5aada7a2b5107d98");
  EXPECT_EQ(HexEncode(writer.dones()[0]),
            "4f4b52030000000000000000000000018c02c441");
}

TEST_F(SealedLogTest, ReplaysToTheKeysThatAreLeft) {
  const Writer writer = Writer::Typical(random_);
  EXPECT_EQ(writer.keys(), (Keys{{{"k", ""}, "AES:another 16 bytes"},
                                 {{"1", "all"}, "AES:1 key"},
                                 {{"2", "all"}, "AES:2 key"},
                                 {{"OKR", "all"}, "AES:OKR key"},
                                 {{"s", ""}, "AES:" + std::string(40, 'y')},
                                 {{"s", "u@h"}, "SECRET:x"}}));
  for (const bool done : {true, false}) {
    const Bytes content = writer.Content(done);
    ExpectKeys(content, writer.keys(), content.size(), "as it was written");
  }
  ExpectKeys({}, {}, 0, "an empty log");
}

TEST_F(SealedLogTest, AReaderGoesOnWritingWhereTheLogEnds) {
  Writer writer = Writer::Typical(random_);
  for (const bool done : {true, false}) {
    auto log =
        *SealedLog::Make(CountingKey(), CountingFile(), 3, random_, true);
    Bytes content = writer.Content(done);
    ASSERT_TRUE(log->Replay(content, 0));
    PutBytes(content, *log->SealRemove({{"s", ""}, "", Secret()}));
    log->Advance();
    PutBytes(content, *log->Done());
    PutBytes(content, *log->SealPut({{"n", ""}, "AES", Secret::CopyOf("1")}));
    Keys keys = writer.keys();
    keys.erase({"s", ""});
    keys[{"n", ""}] = "AES:1";
    ExpectKeys(content, keys, content.size(), "written on");
  }
}

TEST_F(SealedLogTest, RoundTripsTheSmallestAndTheLargest) {
  Writer writer(random_);
  const std::string large(kMaxField, 'n');
  writer.Put({large, large}, std::string(kMaxKeyBytes, 'd'), large);
  writer.Put({std::string("\0\xff\n", 3), ""}, std::string("\0", 1), "T");
  writer.Remove({large, large});
  writer.Put({large, ""}, "d", "T");
  const Bytes content = writer.Content();
  ExpectKeys(content, writer.keys(), content.size(), "extremes");
}

TEST_F(SealedLogTest, NamesThatDoNotFitAreRefused) {
  Writer writer(random_);
  const std::string large(kMaxField + 1, 'n');
  for (const Key& key :
       {Key{{large, ""}, "AES", Secret(1)}, Key{{"k", large}, "AES", Secret(1)},
        Key{{"k", ""}, large, Secret(1)}}) {
    EXPECT_EQ(writer.log().SealPut(key).status().code(),
              StatusCode::kInvalidArgument);
  }
}

// It would look torn to every reader, and be cut off.
TEST_F(SealedLogTest, AKeyThatReadersWouldNotTakeIsRefused) {
  Writer writer(random_);
  const std::string large(kMaxField, 'n');
  for (const size_t size : {kMaxKeyBytes + 1, size_t{1} << 20}) {
    EXPECT_EQ(writer.log()
                  .SealPut({{large, large}, large, Secret(size)})
                  .status()
                  .code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(SealedLogTest, RecordSizeCountsTheRecordAndItsMark) {
  Writer writer(random_);
  writer.Put({"name", "owner"}, "some data", "SECRET");
  EXPECT_EQ(SealedLog::RecordSize({{"name", "owner"}, "SECRET", Secret(9)}),
            writer.Content().size());
}

TEST_F(SealedLogTest, WithoutRandomnessNothingIsSealed) {
  BrokenRandom broken;
  auto log = *SealedLog::Make(CountingKey(), CountingFile(), 3, broken);
  EXPECT_EQ(log->SealPut({{"k", ""}, "AES", Secret(1)}).status().code(),
            StatusCode::kInternal);
}

// Two clones of a virtual machine draw the same random bytes. One key and nonce
// for two plaintexts would give both away.
TEST_F(SealedLogTest, ARepeatedRandomSourceRepeatsNoSaltForOtherRecords) {
  class Stuck : public Random {
    Status Fill(std::span<uint8_t> bytes) override {
      std::ranges::fill(bytes, uint8_t{7});
      return Status::Ok();
    }
    double Fraction() override { return 0; }
  } stuck;
  const auto salt_of = [&](const KeyName& name, std::string_view data,
                           const std::string& type) {
    auto log = *SealedLog::Make(CountingKey(), CountingFile(), 3, stuck);
    const Bytes record = *log->SealPut({name, type, Secret::CopyOf(data)});
    return Bytes(record.begin() + 20, record.begin() + 52);
  };
  const std::set<Bytes> salts = {
      salt_of({"a", ""}, "data", "AES"), salt_of({"a", ""}, "atad", "AES"),
      salt_of({"b", ""}, "data", "AES"), salt_of({"a", "u"}, "data", "AES"),
      salt_of({"a", ""}, "data", "RSA"), salt_of({"a", ""}, "dat", "AES")};
  EXPECT_EQ(salts.size(), 6u);
  auto log = *SealedLog::Make(CountingKey(), CountingFile(), 4, stuck);
  const Bytes record =
      *log->SealPut({{"a", ""}, "AES", Secret::CopyOf("data")});
  EXPECT_FALSE(salts.contains(Bytes(record.begin() + 20, record.begin() + 52)))
      << "another generation";
}

TEST_F(SealedLogTest, SealingAgainTakesANewSaltAndTheSameNumber) {
  Writer writer(random_);
  const Key key{{"k", ""}, "AES", Secret::CopyOf("sixteen byte key")};
  std::set<Bytes> salts, texts;
  for (int i = 0; i < 8; ++i) {
    const Bytes record = *writer.log().SealPut(key);
    salts.insert(Bytes(record.begin() + 20, record.begin() + 52));
    texts.insert(Bytes(record.end() - 32, record.end()));
    ExpectKeys(record, {{key.name, "AES:sixteen byte key"}}, record.size(),
               "each of them is a first record");
  }
  EXPECT_EQ(salts.size(), 8u);
  EXPECT_EQ(texts.size(), 8u);
}

TEST_F(SealedLogTest, WhatWasSealedButNotStoredDoesNotCount) {
  Writer writer(random_);
  writer.Put({"k", ""}, "1");
  (void)writer.log().SealPut({{"lost", ""}, "AES", Secret(1)});
  (void)writer.log().SealRemove({{"k", ""}, "", Secret()});
  writer.Put({"n", ""}, "2");
  const Bytes content = writer.Content();
  ExpectKeys(content, writer.keys(), content.size(), "two keys");
}

// Where each record and mark starts, with the number of records before it.
struct Part {
  size_t begin, end, record;
  bool is_done;
};
std::vector<Part> PartsOf(const Writer& writer, bool last_done) {
  std::vector<Part> parts;
  size_t at = 0;
  for (size_t i = 0; i < writer.records().size(); ++i) {
    parts.push_back({at, at + writer.records()[i].size(), i, false});
    at = parts.back().end;
    if (!last_done && i + 1 == writer.records().size()) break;
    parts.push_back({at, at + writer.dones()[i].size(), i, true});
    at = parts.back().end;
  }
  return parts;
}

TEST_F(SealedLogTest, EveryFlippedBitIsDamageOrATornEnd) {
  const Writer writer = Writer::Typical(random_);
  const size_t count = writer.records().size();
  for (const bool last_done : {true, false}) {
    const Bytes content = writer.Content(last_done);
    for (const Part& part : PartsOf(writer, last_done)) {
      const bool is_last = part.end == content.size();
      for (size_t bit = 8 * part.begin; bit < 8 * part.end; ++bit) {
        Bytes changed = content;
        changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        const std::string what = "bit " + std::to_string(bit);
        if (!last_done && part.is_done && part.record + 2 == count) {
          // Nothing proves that the last record had been synced with it.
          ExpectKeys(changed, writer.keys(), content.size(), what);
        } else if (!is_last) {
          ExpectRefused(changed, what);
        } else if (part.is_done) {
          ExpectKeys(changed, writer.keys(), part.begin, what);
        } else {
          ExpectKeys(changed, writer.KeysAfter(count - 1), part.begin, what);
        }
      }
    }
  }
}

TEST_F(SealedLogTest, EveryOverwrittenStretchIsDamageOrATornEnd) {
  const Writer writer = Writer::Typical(random_);
  const Bytes content = writer.Content();
  const Part last = PartsOf(writer, true).back();
  for (const uint8_t value : {0x00, 0xff}) {
    for (size_t size : {size_t{2}, size_t{20}, size_t{100}, content.size()}) {
      for (size_t at = 0; at < content.size(); ++at) {
        Bytes changed = content;
        std::fill(changed.begin() + at,
                  changed.begin() + std::min(at + size, content.size()), value);
        if (changed == content) continue;
        const auto replayed = Replay(changed);
        const std::string what =
            std::to_string(size) + " bytes at " + std::to_string(at);
        if (!replayed) {
          EXPECT_EQ(replayed.error().code(), StatusCode::kCorrupt) << what;
          continue;
        }
        // Only when all that follows, or its start, is gone with it.
        EXPECT_GT(at + size, last.begin) << what;
        size_t records = 0;
        for (const Part& part : PartsOf(writer, true)) {
          if (part.end <= at) records = part.record + 1;
        }
        EXPECT_EQ(TextsOf(replayed->keys), writer.KeysAfter(records)) << what;
        EXPECT_LE(replayed->good, at) << what;
      }
    }
  }
}

TEST_F(SealedLogTest, EveryCutGivesTheRecordsBeforeIt) {
  const Writer writer = Writer::Typical(random_);
  const Bytes content = writer.Content();
  for (size_t size = 0; size <= content.size(); ++size) {
    size_t good = 0, records = 0;
    for (const Part& part : PartsOf(writer, true)) {
      if (part.end > size) break;
      good = part.end;
      records = part.record + 1;
    }
    ExpectKeys(ByteView(content).first(size), writer.KeysAfter(records), good,
               "cut to " + std::to_string(size));
  }
}

// Grown by blocks that never got their bytes, or got old ones.
TEST_F(SealedLogTest, AnythingUnknownBehindTheEndIsTorn) {
  const Writer writer = Writer::Typical(random_);
  for (const bool last_done : {true, false}) {
    const Bytes content = writer.Content(last_done);
    for (const Bytes& tail :
         {Bytes(1, 0), Bytes(5000, 0), Bytes(5000, 0xff), Bytes{'O', 'K', 'R'},
          Bytes(content.begin() + 1, content.begin() + 90)}) {
      Bytes longer = content;
      PutBytes(longer, tail);
      ExpectKeys(longer, writer.keys(), content.size(), "a tail");
    }
  }
}

TEST_F(SealedLogTest, ATornRecordIsSealedAgainInItsPlace) {
  const Writer writer = Writer::Typical(random_);
  const Bytes content = writer.Content();
  const Bytes torn(content.begin(), content.end() - 30);
  auto log = *SealedLog::Make(CountingKey(), CountingFile(), 3, random_, true);
  const auto replayed = log->Replay(torn, 0);
  ASSERT_TRUE(replayed);
  Bytes next(torn.begin(), torn.begin() + replayed->good);
  PutBytes(next, *log->SealPut({{"n", ""}, "AES", Secret::CopyOf("1")}));
  Keys keys = writer.KeysAfter(5);
  keys[{"n", ""}] = "AES:1";
  ExpectKeys(next, keys, next.size(), "written on");
}

class SealedLogOrderTest : public SealedLogTest {
 protected:
  // Records in this order, with their marks or without any.
  Bytes InOrder(const std::vector<size_t>& order, bool dones) {
    Bytes content;
    for (const size_t i : order) {
      PutBytes(content, writer_.records()[i]);
      if (dones) PutBytes(content, writer_.dones()[i]);
    }
    return content;
  }
  const Writer writer_ = Writer::Typical(random_);
};

TEST_F(SealedLogOrderTest, NoOtherOrderOfAllRecordsIsRead) {
  std::vector<size_t> order = {0, 1, 2, 3, 4, 5};
  ASSERT_TRUE(Replay(InOrder(order, true)));
  while (std::ranges::next_permutation(order).found) {
    ExpectRefused(InOrder(order, true), testing::PrintToString(order));
    ExpectRefused(InOrder(order, false), testing::PrintToString(order));
  }
}

TEST_F(SealedLogOrderTest, NoSubsetButTheFirstFewIsRead) {
  for (unsigned subset = 0; subset < 64; ++subset) {
    std::vector<size_t> order;
    for (size_t i = 0; i < 6; ++i) {
      if (subset >> i & 1) order.push_back(i);
    }
    const bool are_first = order.empty() || order.back() + 1 == order.size();
    for (const bool dones : {true, false}) {
      const Bytes content = InOrder(order, dones);
      const std::string what = testing::PrintToString(order);
      if (are_first) {
        ExpectKeys(content, writer_.KeysAfter(order.size()), content.size(),
                   what);
      } else {
        ExpectRefused(content, what);
      }
    }
  }
}

TEST_F(SealedLogOrderTest, ADoubledRecordIsRefusedWhereverItStands) {
  for (size_t doubled = 0; doubled < 6; ++doubled) {
    for (size_t at = 0; at <= 6; ++at) {
      std::vector<size_t> order = {0, 1, 2, 3, 4, 5};
      order.insert(order.begin() + at, doubled);
      ExpectRefused(InOrder(order, true), testing::PrintToString(order));
      ExpectRefused(InOrder(order, false), testing::PrintToString(order));
    }
  }
}

TEST_F(SealedLogOrderTest, DoubledAndMissingMarksChangeNothing) {
  Bytes content;
  for (size_t i = 0; i < 6; ++i) {
    PutBytes(content, writer_.records()[i]);
    for (size_t j = 0; j < i; ++j) PutBytes(content, writer_.dones()[i]);
  }
  ExpectKeys(content, writer_.keys(), content.size(), "0 to 5 marks");
}

TEST_F(SealedLogOrderTest, AMarkOfAnotherRecordIsRefused) {
  for (size_t i = 0; i < 6; ++i) {
    Bytes content = writer_.Content();
    PutBytes(content, writer_.dones()[i]);
    if (i == 5) {
      ExpectKeys(content, writer_.keys(), content.size(), "its own");
    } else {
      ExpectRefused(content, "mark " + std::to_string(i));
    }
  }
}

// A log that went another way from record `split` on, e.g. because two servers
// wrote on two copies of the file.
TEST_F(SealedLogOrderTest, RecordsOfADivergedCopyDoNotMix) {
  for (size_t split = 0; split < 6; ++split) {
    std::vector<size_t> common(split);
    std::iota(common.begin(), common.end(), 0);
    auto log =
        *SealedLog::Make(CountingKey(), CountingFile(), 3, random_, true);
    ASSERT_TRUE(log->Replay(InOrder(common, true), 0));
    std::vector<Bytes> theirs = writer_.records();
    for (size_t i = split; i < 6; ++i) {
      theirs[i] = *log->SealPut({{"other", std::to_string(i)}, "T", Secret(1)});
      log->Advance();
    }
    Keys diverged = writer_.KeysAfter(split);
    diverged[{"other", std::to_string(split)}] = std::string("T:\0", 3);
    for (size_t moved = split; moved < 6; ++moved) {
      for (const bool dones : {true, false}) {
        Bytes content;
        size_t at_split = 0, at_last = 0;  // Where these records end or begin.
        for (size_t i = 0; i < 6; ++i) {
          if (i == 5) at_last = content.size();
          PutBytes(content, i == moved ? theirs[i] : writer_.records()[i]);
          if (i == split) at_split = content.size();
          if (dones) PutBytes(content, writer_.dones()[i]);
        }
        const std::string what = std::to_string(moved) + " of a log split at " +
                                 std::to_string(split);
        // Their first record is a right one. Whatever was not written after
        // what stands before it is not; as the last it looks torn.
        if (moved == split && split == 5) {
          ExpectKeys(content, diverged, content.size(), what);
        } else if (moved == split && split == 4 && !dones) {
          ExpectKeys(content, diverged, at_split, what);
        } else if (moved == 5 && !dones) {
          ExpectKeys(content, writer_.KeysAfter(5), at_last, what);
        } else {
          ExpectRefused(content, what);
        }
      }
    }
  }
}

TEST_F(SealedLogOrderTest, RecordsOfAnotherGenerationAreRefused) {
  const Writer other = Writer::Typical(random_, 4);
  const Bytes content = other.Content();
  ASSERT_TRUE(Replay(content, 4));
  ExpectRefused(content, "a whole log of another generation");
  for (size_t moved = 0; moved < 6; ++moved) {
    Bytes mixed;
    for (size_t i = 0; i < 6; ++i) {
      PutBytes(mixed, i == moved ? other.records()[i] : writer_.records()[i]);
      PutBytes(mixed, writer_.dones()[i]);
    }
    ExpectRefused(mixed, "record " + std::to_string(moved));
  }
}

TEST_F(SealedLogOrderTest, RecordsOfAnotherFileWithTheSameKeyGiveNoKeys) {
  FileId file_id = CountingFile();
  file_id[0] ^= 1;
  Writer other(random_, 3, file_id);
  other.Put({"k", ""}, "sixteen byte key");
  ASSERT_TRUE(Replay(other.Content(), 3, file_id));
  // Not even their prefixes are right here, so it looks like any other tail.
  ExpectKeys(other.Content(), {}, 0, "a log of another file");
  Bytes content = writer_.Content();
  const size_t end = content.size();
  PutBytes(content, other.Content());
  ExpectKeys(content, writer_.keys(), end, "behind ours");
  content = other.Content();
  PutBytes(content, writer_.Content());
  ExpectRefused(content, "before ours");
}

TEST_F(SealedLogTest, RecordsThatCannotBeAreRefusedAlthoughTheirTagIsRight) {
  {
    Writer writer(random_);
    writer.Put({"k", ""}, "1");
    writer.Put({"k", ""}, "2");
    ExpectRefused(writer.Content(), "a second put");
    ExpectRefused(writer.Content(false), "a second put");
  }
  Writer writer(random_);
  writer.Remove({"k", ""});
  ExpectRefused(writer.Content(), "a removal of nothing");
  ExpectRefused(writer.Content(false), "a removal of nothing");
}

// The prefix is not secret: whoever can read the file can make one.
TEST_F(SealedLogTest, ForgedRecordsWithRightPrefixesGiveNoKeys) {
  const Writer writer = Writer::Typical(random_);
  Writer next(random_);
  for (int i = 0; i < 6; ++i) next.Put({std::to_string(i), ""}, "1");
  next.Put({"forged", ""}, "seventh");  // Has the right number, and no more.
  Bytes content = writer.Content();
  const size_t end = content.size();
  PutBytes(content, next.records()[6]);
  ExpectKeys(content, writer.keys(), end, "looks as if a crash had cut it");
  PutBytes(content, next.dones()[6]);
  ExpectRefused(content, "with a mark that says it was whole");
}

TEST_F(SealedLogTest, APutAllIsUnknownToAFileWithoutThatFeature) {
  Writer writer(random_);
  writer.PutAll({"a", "b"});
  ASSERT_TRUE(Replay(writer.Content()));
  EXPECT_EQ(Replay(writer.Content(), 3, CountingFile(), false).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(SealedLogTest, APutAllIsThereCompletelyOrNotAtAll) {
  Writer writer(random_);
  writer.Put({"k", ""}, "before");
  writer.PutAll({"a", "b", "c"});
  const Bytes content = writer.Content(false);
  const size_t begin = writer.records()[0].size() + writer.dones()[0].size();
  for (size_t size = begin; size < content.size(); ++size) {
    ExpectKeys(ByteView(content).first(size), writer.KeysAfter(1), begin,
               std::to_string(size));
  }
  ExpectKeys(content, writer.keys(), content.size(), "complete");
}

TEST_F(SealedLogTest, APutAllOfAKeyThatIsThereIsRefused) {
  Writer writer(random_);
  writer.Put({"a", "all"}, "before");
  writer.PutAll({"b", "a"});
  ExpectRefused(writer.Content(), "in the file");
  Writer twice(random_);
  twice.PutAll({"b", "b"});
  ExpectRefused(twice.Content(), "in the record");
}

TEST_F(SealedLogTest, WhatPutAllTakesIsCountedAndBounded) {
  Writer writer(random_);
  writer.PutAll({"a", "bb", ""});
  std::vector<Key> keys;
  for (const char* id : {"a", "bb", ""}) {
    keys.push_back(
        {{id, "all"}, "AES", Secret::CopyOf(std::string(id) + " key")});
  }
  EXPECT_EQ(SealedLog::RecordSize(keys),
            writer.records()[0].size() + writer.dones()[0].size());
  EXPECT_EQ(writer.log().SealPutAll({}).status().code(),
            StatusCode::kInvalidArgument);
  keys.clear();
  for (int i = 0; i < 300; ++i) {
    const std::string id = std::to_string(i) + std::string(60000, 'x');
    keys.push_back({{id, ""}, "AES", Secret(32)});
  }
  EXPECT_EQ(writer.log().SealPutAll(keys).status().code(),
            StatusCode::kInvalidArgument)
      << "no reader takes it";
  keys.resize(270);
  const auto largest = writer.log().SealPutAll(keys);
  ASSERT_TRUE(largest);
  Bytes content = writer.Content();
  PutBytes(content, *largest);
  const auto replayed = Replay(content);
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->keys.size(), 273u);
}

TEST_F(SealedLogTest, DamageIsNamedByItsPlaceInTheFile) {
  const Writer writer = Writer::Typical(random_);
  Bytes content = writer.Content();
  const size_t second = writer.records()[0].size() + writer.dones()[0].size();
  content[second + 60] ^= 1;
  const Status status = Replay(content).status();
  EXPECT_THAT(status.message(),
              HasSubstr("byte " + std::to_string(1000 + second)));
}

}  // namespace
}  // namespace openkeyring
