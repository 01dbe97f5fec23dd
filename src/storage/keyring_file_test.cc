// SPDX-License-Identifier: MIT
#include "storage/keyring_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "testing/fakes.h"
#include "testing/spy_file_system.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kPath[] = "keyring";

class KeyringFileTest : public testing::Test {
 protected:
  KeyringFile Make() { return {files_, random_, kPath, owner_}; }
  std::string Text(const std::string& name = kPath) const {
    return std::string(AsText(files_.Content(name)));
  }
  void Put(std::string_view text, mode_t mode = 0600) {
    files_.Put(kPath, Bytes(text.begin(), text.end()), mode);
  }

  std::optional<FileOwner> owner_ = FileOwner{12, 34};
  SpyFileSystem files_;
  FakeRandom random_;
};

TEST_F(KeyringFileTest, WithoutAFileThereIsNoneToLock) {
  KeyringFile file = Make();
  EXPECT_FALSE(file.locked());
  file.Acquire();
  EXPECT_FALSE(file.locked());
  EXPECT_EQ(file.why_not_writable().code(), StatusCode::kNotFound);
}

TEST_F(KeyringFileTest, LocksTheFileForItsOwnLife) {
  Put("content");
  {
    KeyringFile first = Make(), second = Make();
    first.Acquire();
    ASSERT_TRUE(first.locked());
    EXPECT_TRUE(first.why_not_writable().ok());
    second.Acquire();
    EXPECT_FALSE(second.locked());
    EXPECT_EQ(second.why_not_writable().code(), StatusCode::kAlreadyExists);
  }
  KeyringFile third = Make();
  third.Acquire();
  EXPECT_TRUE(third.locked());
}

TEST_F(KeyringFileTest, AcquiringAgainKeepsTheFileItHas) {
  Put("content");
  KeyringFile file = Make();
  file.Acquire();
  const uint64_t epoch = file.epoch();
  file.Acquire();
  EXPECT_EQ(file.epoch(), epoch);
  EXPECT_TRUE(file.CheckUnchanged(epoch, 7).ok());
}

TEST_F(KeyringFileTest, AcquiringAgainTakesUpAFileThatWasPutThere) {
  Put("content");
  KeyringFile file = Make();
  file.Acquire();
  const uint64_t epoch = file.epoch();
  Put("another");
  EXPECT_EQ(file.CheckUnchanged(epoch, 7).code(), StatusCode::kCorrupt);
  file.Acquire();
  EXPECT_TRUE(file.locked());
  EXPECT_GT(file.epoch(), epoch);
  EXPECT_EQ(file.CheckUnchanged(epoch, 7).code(), StatusCode::kCorrupt)
      << "who knows the old one only";
  EXPECT_TRUE(file.CheckUnchanged(file.epoch(), 7).ok());
}

TEST_F(KeyringFileTest, NoticesWhatOthersDidToTheFile) {
  Put("content");
  KeyringFile file = Make();
  file.Acquire();
  const uint64_t epoch = file.epoch();
  EXPECT_TRUE(file.CheckUnchanged(epoch, 7).ok());
  EXPECT_EQ(file.CheckUnchanged(epoch, 6).code(), StatusCode::kCorrupt);
  EXPECT_EQ(file.CheckUnchanged(epoch, 8).code(), StatusCode::kCorrupt);
  ASSERT_TRUE(files_.Remove(kPath).ok());
  const Status gone = file.CheckUnchanged(epoch, 7);
  EXPECT_EQ(gone.code(), StatusCode::kCorrupt);
  EXPECT_THAT(gone.message(), HasSubstr("RELOAD KEYRING"));
  file.Acquire();
  EXPECT_FALSE(file.locked());
}

TEST_F(KeyringFileTest, GivesUpForAReasonUntilItIsAcquiredAgain) {
  Put("content");
  KeyringFile file = Make();
  file.Acquire();
  file.GiveUpWriting({StatusCode::kUnavailable, "for a reason"});
  EXPECT_FALSE(file.locked());
  EXPECT_EQ(file.CheckUnchanged(file.epoch(), 7).message(), "for a reason");
  KeyringFile other = Make();
  other.Acquire();
  EXPECT_TRUE(other.locked()) << "the lock is free";
}

TEST_F(KeyringFileTest, CreatesAFileWithModeAndOwnerAndTakesItUp) {
  KeyringFile file = Make();
  ASSERT_TRUE(file.Create(AsBytes("new")).ok());
  file.Acquire();
  ASSERT_TRUE(file.locked());
  EXPECT_EQ(files_.Permissions(kPath), 0640u);
  EXPECT_EQ(files_.Stat(kPath)->owner, *owner_);
  files_.Crash();
  EXPECT_EQ(Text(), "new");
}

TEST_F(KeyringFileTest, CreateNeverReplaces) {
  Put("theirs");
  EXPECT_EQ(Make().Create(AsBytes("ours")).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Text(), "theirs");
}

TEST_F(KeyringFileTest, ReplacesWithTheSameModeOwnerAndLock) {
  ASSERT_TRUE(Make().Create(AsBytes("old")).ok());
  KeyringFile file = Make(), other = Make();
  file.Acquire();
  const uint64_t epoch = file.epoch();
  bool replaced = false;
  ASSERT_TRUE(file.Replace(AsBytes("newer"), replaced).ok());
  EXPECT_TRUE(replaced);
  EXPECT_GT(file.epoch(), epoch);
  EXPECT_TRUE(file.CheckUnchanged(file.epoch(), 5).ok());
  EXPECT_EQ(files_.Permissions(kPath), 0640u);
  EXPECT_EQ(files_.Stat(kPath)->owner, *owner_);
  other.Acquire();
  EXPECT_FALSE(other.locked());
  files_.Crash();
  EXPECT_EQ(Text(), "newer");
}

TEST_F(KeyringFileTest, AFailedReplacementLeavesTheOldFileInUse) {
  for (const char* step : {"create", "append", "sync", "read back", "rename"}) {
    Put("old");
    KeyringFile file = Make();
    file.Acquire();
    const uint64_t epoch = file.epoch();
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    bool replaced = true;
    EXPECT_EQ(file.Replace(AsBytes("newer"), replaced).code(),
              StatusCode::kUnavailable)
        << step;
    EXPECT_FALSE(replaced);
    EXPECT_TRUE(file.CheckUnchanged(epoch, 3).ok()) << step;
    files_.hook = nullptr;
    EXPECT_THAT(files_.Names(), ElementsAre(kPath)) << step;
    EXPECT_EQ(Text(), "old");
  }
}

TEST_F(KeyringFileTest, AReplacementMayTakeTheNameAlthoughItIsNotDurable) {
  Put("old");
  KeyringFile file = Make();
  file.Acquire();
  files_.FailAt("sync directory", {StatusCode::kUnavailable, "planted"});
  bool replaced = false;
  EXPECT_EQ(file.Replace(AsBytes("newer"), replaced).code(),
            StatusCode::kUnavailable);
  EXPECT_TRUE(replaced);
  EXPECT_TRUE(file.CheckUnchanged(file.epoch(), 5).ok());
  files_.hook = nullptr;
  EXPECT_TRUE(file.SyncAll().ok());
  files_.Crash();
  EXPECT_EQ(Text(), "newer");
}

TEST_F(KeyringFileTest, PutsBytesAsideDurably) {
  const auto aside = Make().PutAside("torn", AsBytes("bytes"));
  ASSERT_TRUE(aside);
  EXPECT_THAT(*aside, StartsWith("keyring.torn-"));
  EXPECT_EQ(aside->size(), std::string("keyring.torn-").size() + 16);
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(*aside));
  EXPECT_EQ(Text(*aside), "bytes");
  EXPECT_EQ(files_.Permissions(*aside), 0640u);
}

TEST_F(KeyringFileTest, WhatIsMadeIsReadBackBeforeAnybodyReliesOnIt) {
  files_.lies_on_read_back = true;
  EXPECT_EQ(Make().Create(AsBytes("new")).code(), StatusCode::kCorrupt);
  EXPECT_EQ(Make().PutAside("torn", AsBytes("bytes")).status().code(),
            StatusCode::kCorrupt);
  EXPECT_THAT(files_.Names(), ElementsAre());
}

// An administrator may have restored it while the server ran.
TEST_F(KeyringFileTest, ReplacesNoFileThatSomebodyElsePutThere) {
  Put("ours");
  KeyringFile file = Make();
  bool replaced = true;
  EXPECT_FALSE(file.Replace(AsBytes("newer"), replaced).ok()) << "not locked";
  EXPECT_FALSE(replaced);
  file.Acquire();
  Put("theirs");
  EXPECT_EQ(file.Replace(AsBytes("newer"), replaced).code(),
            StatusCode::kCorrupt);
  EXPECT_FALSE(replaced);
  EXPECT_EQ(Text(), "theirs");
  ASSERT_TRUE(files_.Remove(kPath).ok());
  EXPECT_EQ(file.Replace(AsBytes("newer"), replaced).code(),
            StatusCode::kCorrupt);
  EXPECT_THAT(files_.Names(), ElementsAre());
}

// Whoever stores or removes a key would take them for an answer about the key.
TEST_F(KeyringFileTest, RefusalsToWriteDoNotLookLikeAnswersAboutKeys) {
  KeyringFile file = Make(), other = Make();
  file.Acquire();
  EXPECT_EQ(file.CheckUnchanged(0, 0).code(), StatusCode::kReadOnly);
  Put("content");
  other.Acquire();
  file.Acquire();
  const Status status = file.CheckUnchanged(0, 0);
  EXPECT_EQ(status.code(), StatusCode::kReadOnly);
  EXPECT_EQ(status.message(), file.why_not_writable().message());
}

TEST_F(KeyringFileTest, SyncAllMakesDurableWhatOthersWrote) {
  {
    auto dead = files_.Create(kPath, 0640);
    ASSERT_TRUE((*dead)->Append(AsBytes("bytes")).ok());
  }
  KeyringFile file = Make();
  file.Acquire();
  for (const char* step : {"sync", "sync directory"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    EXPECT_EQ(file.SyncAll().code(), StatusCode::kUnavailable);
  }
  files_.hook = nullptr;
  ASSERT_TRUE(file.SyncAll().ok());
  files_.Crash();
  EXPECT_EQ(Text(), "bytes");
}

TEST(KeyringFilePosixTest, NamesTheProcessThatHasTheFile) {
  TemporaryDirectory directory;
  FakeRandom random;
  const std::string path = directory.Write("keyring", "content");
  KeyringFile first(PosixFileSystem(), random, path, std::nullopt);
  KeyringFile second(PosixFileSystem(), random, path, std::nullopt);
  first.Acquire();
  ASSERT_TRUE(first.locked());
  second.Acquire();
  EXPECT_EQ(second.why_not_writable().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(second.why_not_writable().message(),
              HasSubstr("process " + std::to_string(getpid())));
  bool replaced = false;
  ASSERT_TRUE(first.Replace(AsBytes("newer"), replaced).ok());
  second.Acquire();
  EXPECT_FALSE(second.locked())
      << "the new file was locked before it was there";
}

}  // namespace
}  // namespace openkeyring
