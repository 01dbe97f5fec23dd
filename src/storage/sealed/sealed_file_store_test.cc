// SPDX-License-Identifier: MIT
// Changing sealed keyring files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "testing/sealed_file_fixture.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class SealedFileStoreTest : public SealedFileBackendTest {};

// A record that cannot be would make the whole file unreadable.
TEST_F(SealedFileStoreTest, NoChangeIsWrittenThatNoReaderWouldTake) {
  MakeFileWith({"old"});
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "k").ok());
  for (const char* id : {"old", "k"}) {
    const Bytes before = Content();
    EXPECT_EQ(Store(*backend, id, "other").code(), StatusCode::kAlreadyExists);
    EXPECT_EQ(Remove(*backend, "none").code(), StatusCode::kNotFound);
    EXPECT_EQ(Content(), before);
    EXPECT_TRUE(Store(*backend, id, "other", "u@h").ok());
    EXPECT_TRUE(Remove(*backend, id).ok());
    EXPECT_EQ(Remove(*backend, id).code(), StatusCode::kNotFound);
    EXPECT_TRUE(Store(*backend, id).ok());
  }
  backend.reset();
  EXPECT_EQ(Loaded().size(), 4u);
}

TEST_F(SealedFileStoreTest, AStoreIsOneWriteOneSyncAndALook) {
  auto backend = MakeLoaded();
  for (int i = 0; i < 3; ++i) {
    files_.seen.clear();
    ASSERT_TRUE(Store(*backend, std::to_string(i)).ok());
    std::erase(files_.seen, "read back");
    EXPECT_THAT(files_.seen, ElementsAre("append", "sync", "append"));
  }
}

TEST_F(SealedFileStoreTest, AFailedChangeHasNoEffectAndTheNextOneWorks) {
  for (const std::string step : {"append", "sync", "read back", "lie"}) {
    for (const bool can_cut : {true, false}) {
      SCOPED_TRACE(step + (can_cut ? ", cut off" : ", not cut off"));
      if (files_.Stat(kPath)) {
        ASSERT_TRUE(files_.Remove(kPath).ok());
      }
      auto backend = MakeLoaded();
      ASSERT_TRUE(Store(*backend, "a").ok());
      ASSERT_TRUE(Store(*backend, "b").ok());
      files_.hook = [&](const std::string& called) {
        const auto& seen = files_.seen;
        const bool looks_at_new = called == "read back" && seen.size() > 1 &&
                                  seen[seen.size() - 2] == "sync";
        files_.lies_on_read_back = looks_at_new && step == "lie";
        const bool fails = called == "read back"
                               ? looks_at_new && step == called
                               : step == called;
        return fails || (called == "truncate" && !can_cut)
                   ? Status(StatusCode::kUnavailable, "planted")
                   : Status::Ok();
      };
      EXPECT_FALSE(Store(*backend, "k", "lost").ok());
      EXPECT_FALSE(Store(*backend, "k", "lost too").ok());
      EXPECT_FALSE(Remove(*backend, "a").ok());
      files_.hook = nullptr;
      files_.lies_on_read_back = false;
      ASSERT_TRUE(Store(*backend, "k").ok());
      ASSERT_TRUE(Remove(*backend, "b").ok());
      ASSERT_TRUE(Store(*backend, "n").ok());
      EXPECT_THAT(files_.Names(), ElementsAre(kPath));
      backend.reset();
      EXPECT_EQ(Loaded(), KeysWith({"a", "k", "n"}));
      EXPECT_EQ(Header().generation, 2u) << "rewritten, once";
    }
  }
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SealedFileStoreTest, AStoreWhoseMarkCannotBeWrittenIsAStore) {
  auto backend = MakeLoaded();
  int appends = 0;
  files_.hook = [&](const std::string& step) {
    return step == "append" && ++appends == 2
               ? Status(StatusCode::kUnavailable, "planted")
               : Status::Ok();
  };
  ASSERT_TRUE(Store(*backend, "k").ok());
  EXPECT_EQ(Loaded(), KeysWith({"k"}));
  ASSERT_TRUE(Store(*backend, "n").ok());
  backend.reset();
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"k", "n"}));
}

TEST_F(SealedFileStoreTest, AFileThatCannotBeRewrittenIsTriedAgain) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  files_.FailAt("sync", {StatusCode::kUnavailable, "planted"});
  EXPECT_FALSE(Store(*backend, "k").ok());
  for (const char* step :
       {"create", "append", "sync", "rename", "sync directory"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    EXPECT_EQ(Store(*backend, "k").code(), StatusCode::kUnavailable) << step;
    files_.hook = nullptr;
    EXPECT_EQ(Loaded(), KeysWith({"a"})) << step;
    EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  }
  ASSERT_TRUE(Store(*backend, "k").ok());
  backend.reset();
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"a", "k"}));
}

TEST_F(SealedFileStoreTest, NothingIsWrittenToAFileThatOthersChanged) {
  const std::vector<std::pair<const char*, std::function<void()>>> changes = {
      {"removed", [&] { ASSERT_TRUE(files_.Remove(kPath).ok()); }},
      {"put there again", [&] { files_.Put(kPath, Content()); }},
      {"cut",
       [&] {
         Bytes content = Content();
         content.resize(content.size() - 20);
         files_.Overwrite(kPath, content);
       }},
      {"grown",
       [&] {
         Bytes content = Content();
         content.push_back(0);
         files_.Overwrite(kPath, content);
       }},
      {"emptied", [&] { files_.Overwrite(kPath, {}); }}};
  for (const bool after_a_failure : {false, true}) {
    for (const auto& [what, change] : changes) {
      SCOPED_TRACE(what);
      if (after_a_failure && std::string(what) == "cut") continue;
      if (files_.Stat(kPath)) {
        ASSERT_TRUE(files_.Remove(kPath).ok());
      }
      auto backend = MakeLoaded();
      ASSERT_TRUE(Store(*backend, "a").ok());
      if (after_a_failure) {
        files_.FailAt("append", {StatusCode::kUnavailable, "planted"});
        EXPECT_FALSE(Store(*backend, "k").ok());
        files_.hook = nullptr;
        // Its end is unknown by now, and nobody can tell who made it longer.
        if (std::string(what) == "grown") continue;
      }
      change();
      const Bytes changed = Content();
      for (const Status& status :
           {Store(*backend, "k"), Remove(*backend, "a")}) {
        EXPECT_EQ(status.code(), StatusCode::kCorrupt) << status.message();
      }
      EXPECT_EQ(Content(), changed);
      EXPECT_THAT(files_.Names(),
                  SizeIs(changed.empty() && !files_.Stat(kPath) ? 0 : 1));
    }
  }
}

// Damaged, a last record without its mark looks as if a crash had cut it; but
// who wrote it knows better.
TEST_F(SealedFileStoreTest, WhatWasStoredIsNotTakenForATornEnd) {
  auto backend = MakeLoaded();
  int appends = 0;
  files_.hook = [&](const std::string& step) {
    return step == "append" && ++appends == 2
               ? Status(StatusCode::kUnavailable, "planted")
               : Status::Ok();
  };
  ASSERT_TRUE(Store(*backend, "k", std::string(1000, 'x')).ok());
  Bytes damaged = Content();
  damaged[damaged.size() - 500] ^= 1;
  files_.Overwrite(kPath, damaged);
  EXPECT_EQ(Store(*backend, "n").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), damaged);
}

TEST_F(SealedFileStoreTest, ManyChangesKeepTheFileBelowItsBound) {
  auto backend = MakeLoaded();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Store(*backend, "kept " + std::to_string(i)).ok());
  }
  const size_t live = Content().size();
  size_t largest = 0;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(Store(*backend, "k", std::string(100, 'x')).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
    largest = std::max(largest, Content().size());
  }
  EXPECT_LT(largest, CompactionPoint(live, options_.max_file) + 1000);
  EXPECT_GT(Header().generation, 5u);
  ASSERT_TRUE(Store(*backend, "last").ok());
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  backend.reset();
  EXPECT_EQ(Loaded().size(), 21u);
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SealedFileStoreTest, CompactionThatFailsLosesNothingAndIsNotRepeated) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "kept").ok());
  files_.FailAt("create", {StatusCode::kUnavailable, "planted"});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Store(*backend, "k", std::string(100, 'x')).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
  }
  EXPECT_THAT(Warnings(), AllOf(Not(IsEmpty()), SizeIs(testing::Le(4))));
  EXPECT_THAT(Warnings().front(), HasSubstr("no key is lost"));
  EXPECT_EQ(Header().generation, 1u);
  EXPECT_EQ(Loaded(), KeysWith({"kept"}));
  files_.hook = nullptr;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Store(*backend, "k", std::string(100, 'x')).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
  }
  EXPECT_GT(Header().generation, 1u);
  EXPECT_LT(Content().size(), CompactionPoint(0, options_.max_file) + 1000);
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"kept"}));
}

TEST_F(SealedFileStoreTest, TheCostOfAStoreDoesNotGrowWithTheKeys) {
  auto backend = MakeLoaded();
  for (int i = 0; i < 3000; ++i) {
    const uint64_t before = files_.bytes_appended;
    ASSERT_TRUE(Store(*backend, "key " + std::to_string(1000000 + i)).ok());
    const uint64_t bytes = files_.bytes_appended - before;
    EXPECT_EQ(bytes,
              SealedLog::RecordSize({{"key 1000000", ""}, "AES", Secret(4)}))
        << i;
  }
  EXPECT_EQ(Header().generation, 1u);
}

TEST_F(SealedFileStoreTest, CompactionCostsNoMoreThanWhatWasStored) {
  auto backend = MakeLoaded();
  uint64_t records = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = "key " + std::to_string(1000000 + i);
    ASSERT_TRUE(Store(*backend, id).ok());
    if (i % 10 != 0) {
      ASSERT_TRUE(Remove(*backend, id).ok());
    }
    records += 2 * SealedLog::RecordSize({{id, ""}, "AES", Secret(4)});
  }
  EXPECT_GT(Header().generation, 1u);
  EXPECT_LT(files_.bytes_appended, 2 * records);
}

// A power cut kept the last record, and lost its mark and the one before.
TEST_F(SealedFileStoreTest, AFileWithALostMarkIsRewrittenBeforeTheNextRecord) {
  ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a", "b"}));
  constexpr size_t kMark = 20;
  Bytes content = Content();
  content.resize(content.size() - kMark);
  const size_t last =
      SealedLog::RecordSize({{"b", ""}, "AES", Secret::CopyOf("data")}) - kMark;
  const auto lost = content.end() - static_cast<ptrdiff_t>(last + kMark);
  std::fill(lost, lost + kMark, uint8_t{0});
  files_.Put(kPath, content);
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  const uint64_t generation = Header().generation;
  {
    auto backend = MakeLoaded();
    EXPECT_EQ(Content(), content);
    ASSERT_TRUE(Store(*backend, "c").ok());
  }
  EXPECT_EQ(Header().generation, generation + 1);
  EXPECT_EQ(Loaded(), KeysWith({"a", "b", "c"}));
}

// Another server wrote on a copy of the file, which was then put back in place:
// it has the same size and is an intact log, but not ours.
TEST_F(SealedFileStoreTest, AfterAFailedAppendADivergedFileIsNotRewritten) {
  ASSERT_NO_FATAL_FAILURE(MakeFileWith({"base"}));
  const Bytes base = Content();
  Bytes theirs;
  {
    auto other = MakeLoaded();
    ASSERT_TRUE(Store(*other, "b").ok());
    theirs = Content();
  }
  files_.Put(kPath, base);
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  files_.FailAt("append", {StatusCode::kUnavailable, "full"});
  ASSERT_FALSE(Store(*backend, "c").ok());
  files_.hook = nullptr;
  files_.Overwrite(kPath, theirs);
  EXPECT_EQ(Store(*backend, "d").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), theirs);
}

// An administrator put a backup back while a record was being synced.
TEST_F(SealedFileStoreTest, ARecordInAFileThatWasReplacedMeanwhileIsNotStored) {
  ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a"}));
  auto backend = MakeLoaded();
  const Bytes old = Content();
  files_.hook = [&](const std::string& step) {
    if (step == "sync") {
      files_.hook = nullptr;
      files_.Put(kPath, old);
    }
    return Status::Ok();
  };
  EXPECT_EQ(Store(*backend, "b").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), old);
  EXPECT_EQ(Store(*backend, "b").code(), StatusCode::kCorrupt);
}

// A random source that can fail.
class FailingRandom : public Random {
 public:
  Status Fill(std::span<uint8_t> out) override {
    return status.ok() ? SystemRandom().Fill(out) : status;
  }
  double Fraction() override { return SystemRandom().Fraction(); }
  Status status;
};

TEST_F(SealedFileStoreTest, ARecordThatCannotBeSealedIsNotWritten) {
  ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a"}));
  FailingRandom random;
  SealedFileBackend backend({kms_, files_, random, log_}, MakeFile(), options_);
  ASSERT_TRUE(backend.Load(Soon()));
  const Bytes before = Content();
  random.status = {StatusCode::kUnavailable, "no random bytes"};
  EXPECT_EQ(Store(backend, "b").code(), StatusCode::kUnavailable);
  EXPECT_EQ(Content(), before);
  random.status = Status::Ok();
  EXPECT_TRUE(Store(backend, "b").ok());
}

// Every salt of every file that was ever written.
class SealedFileSaltsTest : public SealedFileStoreTest {
 protected:
  void CollectSalts() {
    const Bytes content = Content();
    size_t at = ReadSealedHeader(content)->size;
    while (at < content.size()) {
      ASSERT_GE(content.size(), at + 20);
      const uint8_t kind = content[at + 3];
      size_t size = 0;
      for (int i = 4; i < 8; ++i) size = size << 8 | content[at + i];
      if (kind != 3) {
        const Bytes salt(content.begin() + at + 20, content.begin() + at + 52);
        const Bytes record(content.begin() + at,
                           content.begin() + at + 20 + size);
        const auto known = salts_.emplace(salt, record).first;
        EXPECT_EQ(known->second, record) << "one salt for two texts";
      }
      at += 20 + size;
    }
  }
  std::map<Bytes, Bytes> salts_;
};

TEST_F(SealedFileSaltsTest, NoSaltIsUsedTwiceWhateverIsCutOrCopied) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "a").ok());
  ASSERT_TRUE(Remove(*backend, "a").ok());
  ASSERT_TRUE(Store(*backend, "a").ok());
  CollectSalts();
  EXPECT_EQ(salts_.size(), 3u);
  // The same key once more after a failure.
  files_.FailAt("sync", {StatusCode::kUnavailable, "planted"});
  files_.hook = [this](const std::string& step) {
    if (step != "sync") return Status::Ok();
    CollectSalts();
    return Status(StatusCode::kUnavailable, "planted");
  };
  EXPECT_FALSE(Store(*backend, "b").ok());
  files_.hook = nullptr;
  EXPECT_EQ(salts_.size(), 4u);
  ASSERT_TRUE(Store(*backend, "b").ok());
  CollectSalts();
  EXPECT_EQ(salts_.size(), 6u) << "a and b in a file that was rewritten";
  // Two copies go their own ways.
  const Bytes copy = Content();
  for (int i = 0; i < 2; ++i) {
    backend.reset();
    files_.Put(kPath, copy);
    backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "c").ok());
    CollectSalts();
    EXPECT_EQ(salts_.size(), 7u + i);
  }
}

TEST_F(SealedFileStoreTest, NoFileGrowsLargerThanWhatCanBeRead) {
  options_.max_file = 20000;
  auto backend = MakeLoaded();
  const std::string data(500, 'x');
  size_t keys = 0;
  Status status;
  while ((status = Store(*backend, std::to_string(keys), data)).ok()) ++keys;
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("20000"));
  EXPECT_GT(keys, 25u);
  EXPECT_LE(Content().size(), options_.max_file);
  ASSERT_TRUE(Remove(*backend, "0").ok()) << "there is room for that";
  ASSERT_TRUE(Store(*backend, "0", data).ok()) << "in the room that it left";
  backend.reset();
  EXPECT_EQ(Loaded().size(), keys);
}

TEST_F(SealedFileStoreTest, WasteDoesNotGrowLargerThanWhatCanBeReadEither) {
  options_.max_file = 20000;
  auto backend = MakeLoaded();
  const std::string data(500, 'x');
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Store(*backend, "kept " + std::to_string(i), data).ok());
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Store(*backend, "k", data).ok());
    ASSERT_TRUE(Remove(*backend, "k").ok());
    ASSERT_LE(Content().size(), options_.max_file);
  }
  backend.reset();
  EXPECT_EQ(Loaded().size(), 10u);
}

}  // namespace
}  // namespace openkeyring
