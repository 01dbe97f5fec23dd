// SPDX-License-Identifier: MIT
#include "storage/keyring_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

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
  Put("content");
  const auto aside = Make().PutAside("torn", AsBytes("bytes"));
  ASSERT_TRUE(aside);
  EXPECT_THAT(*aside, StartsWith("keyring.torn-"));
  EXPECT_EQ(aside->size(), std::string("keyring.torn-").size() + 16);
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath, *aside));
  EXPECT_EQ(Text(*aside), "bytes");
}

TEST_F(KeyringFileTest, NobodyMayReadASideFileWhoMayNotReadTheFile) {
  const struct {
    mode_t file, aside;
  } modes[] = {{0600, 0600}, {0640, 0640}, {0644, 0640}, {0400, 0400}};
  for (const auto& mode : modes) {
    Put("content", mode.file);
    const auto aside = Make().PutAside("torn", AsBytes("bytes"));
    ASSERT_TRUE(aside);
    EXPECT_EQ(files_.Permissions(*aside), mode.aside);
    EXPECT_EQ(files_.Stat(*aside)->owner, files_.Stat(kPath)->owner);
  }
}

TEST_F(KeyringFileTest, WhatIsMadeIsReadBackBeforeAnybodyReliesOnIt) {
  files_.lies_on_read_back = true;
  EXPECT_EQ(Make().Create(AsBytes("new")).code(), StatusCode::kCorrupt);
  Put("content");
  EXPECT_EQ(Make().PutAside("torn", AsBytes("bytes")).status().code(),
            StatusCode::kCorrupt);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
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

// A keyring file in one directory, and a link to it in another.
class KeyringFileLinkTest : public testing::Test {
 protected:
  KeyringFileLinkTest() { Link(data_.Write("real", "content")); }

  void Link(const std::string& target) {
    std::filesystem::remove(link_);
    std::filesystem::create_symlink(target, link_);
  }
  KeyringFile Make(const std::string& path) {
    return {PosixFileSystem(), SystemRandom(), path, std::nullopt};
  }
  static std::vector<std::string> Names(const TemporaryDirectory& directory) {
    return *PosixFileSystem().List(directory.path());
  }
  bool LinkIsALink() const { return std::filesystem::is_symlink(link_); }

  TemporaryDirectory data_, config_;
  const std::string link_ = config_.PathOf("keyring");
};

TEST_F(KeyringFileLinkTest, ALinkStaysALinkAndItsTargetIsReplaced) {
  KeyringFile file = Make(link_);
  file.Acquire();
  bool replaced = false;
  ASSERT_TRUE(file.Replace(AsBytes("newer"), replaced).ok());
  EXPECT_TRUE(LinkIsALink());
  EXPECT_EQ(data_.ReadBack("real"), "newer");
  EXPECT_THAT(Names(config_), ElementsAre("keyring"));
  EXPECT_THAT(Names(data_), ElementsAre("real"));
  EXPECT_TRUE(file.CheckUnchanged(file.epoch(), 5).ok());
}

TEST_F(KeyringFileLinkTest, ARelativeLinkIsMeantFromItsOwnDirectory) {
  const std::filesystem::path real(data_.PathOf("real"));
  Link(std::filesystem::relative(real, config_.path()).string());
  KeyringFile file = Make(link_);
  file.Acquire();
  bool replaced = false;
  ASSERT_TRUE(file.Replace(AsBytes("newer"), replaced).ok());
  EXPECT_TRUE(LinkIsALink());
  EXPECT_EQ(data_.ReadBack("real"), "newer");
}

TEST_F(KeyringFileLinkTest, TheLockIsTheTargetsWhicheverWayItIsReached) {
  KeyringFile by_link = Make(link_), by_name = Make(data_.PathOf("real"));
  by_link.Acquire();
  bool replaced = false;
  ASSERT_TRUE(by_link.Replace(AsBytes("newer"), replaced).ok());
  by_name.Acquire();
  EXPECT_EQ(by_name.why_not_writable().code(), StatusCode::kAlreadyExists);
}

TEST_F(KeyringFileLinkTest, SideFilesAndLeftoversAreBesideTheTarget) {
  data_.Write(".real.0123456789abcdef.tmp", "leftover");
  KeyringFile file = Make(link_);
  file.Acquire();
  MemoryLog log;
  file.SweepLeftovers(log);
  EXPECT_THAT(Names(data_), ElementsAre("real"));
  const auto aside = file.PutAside("torn", AsBytes("bytes"));
  ASSERT_TRUE(aside);
  EXPECT_EQ(std::filesystem::path(*aside).parent_path(),
            std::filesystem::canonical(data_.path()));
  EXPECT_THAT(Names(config_), ElementsAre("keyring"));
}

TEST_F(KeyringFileLinkTest, ALinkThatLeadsNowhereIsNoFileToCreate) {
  Link(data_.PathOf("absent"));
  KeyringFile file = Make(link_);
  file.Acquire();
  EXPECT_FALSE(file.locked());
  EXPECT_FALSE(file.Create(AsBytes("content")).ok());
  EXPECT_FALSE(data_.Has("absent"));
  EXPECT_TRUE(LinkIsALink());
}

TEST_F(KeyringFileLinkTest, ALinkThatLeadsElsewhereLaterIsAReplacedFile) {
  KeyringFile file = Make(link_);
  file.Acquire();
  const uint64_t epoch = file.epoch();
  Link(data_.Write("other", "content"));
  EXPECT_EQ(file.CheckOurs(epoch).code(), StatusCode::kCorrupt);
  bool replaced = false;
  EXPECT_FALSE(file.Replace(AsBytes("newer"), replaced).ok());
  EXPECT_FALSE(replaced);
  EXPECT_EQ(data_.ReadBack("real") + data_.ReadBack("other"), "contentcontent");
  file.Acquire();
  EXPECT_NE(file.epoch(), epoch);
  ASSERT_TRUE(file.Replace(AsBytes("newer"), replaced).ok());
  EXPECT_EQ(data_.ReadBack("real"), "content");
  EXPECT_EQ(data_.ReadBack("other"), "newer");
}

}  // namespace
}  // namespace openkeyring
