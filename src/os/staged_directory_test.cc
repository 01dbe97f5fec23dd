// SPDX-License-Identifier: MIT
#include "os/staged_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

class StagedDirectoryTest : public testing::Test {
 protected:
  Result<std::unique_ptr<StagedDirectory>> Begin() {
    return StagedDirectory::Begin(PosixFileSystem(), SystemRandom(), path_,
                                  0750);
  }
  std::vector<std::string> Names() {
    return *PosixFileSystem().List(around_.path());
  }

  TemporaryDirectory around_;
  const std::string path_ = around_.PathOf("new");
};

TEST_F(StagedDirectoryTest, ItIsNotThereBeforeItIsComplete) {
  auto staged = Begin();
  ASSERT_TRUE(staged);
  ASSERT_TRUE((*staged)->Add("file", AsBytes("content"), 0440).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE((*staged)->Publish().ok());
  EXPECT_EQ((*staged)->path(), path_);
  staged->reset();
  EXPECT_EQ(around_.ReadBack("new/file"), "content");
  EXPECT_EQ(PosixFileSystem().Stat(path_)->permissions, mode_t{0750});
  EXPECT_EQ(PosixFileSystem().Stat(path_ + "/file")->permissions, mode_t{0440});
}

TEST_F(StagedDirectoryTest, WhatIsNotPublishedIsRemoved) {
  auto staged = Begin();
  ASSERT_TRUE(staged);
  ASSERT_TRUE((*staged)->Add("file", AsBytes("content"), 0440).ok());
  staged->reset();
  EXPECT_TRUE(Names().empty());
}

TEST_F(StagedDirectoryTest, NothingIsReplaced) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(Begin().status().code(), StatusCode::kAlreadyExists);
  std::filesystem::remove(path_);
  auto staged = Begin();
  ASSERT_TRUE(staged);
  std::filesystem::create_directory(path_);
  EXPECT_EQ((*staged)->Publish().code(), StatusCode::kAlreadyExists);
  staged->reset();
  EXPECT_EQ(Names(), std::vector<std::string>{"new"});
}

TEST_F(StagedDirectoryTest, ASlashAtTheEndMeansTheSameDirectory) {
  auto staged = StagedDirectory::Begin(PosixFileSystem(), SystemRandom(),
                                       path_ + "/", 0750);
  ASSERT_TRUE(staged && (*staged)->Publish().ok());
  EXPECT_TRUE(std::filesystem::is_directory(path_));
}

TEST_F(StagedDirectoryTest, WhatACrashLeftIsRemovedAndNothingElse) {
  const std::string leftover = around_.PathOf(".new.0123456789abcdef.tmp");
  const std::string other = around_.PathOf(".new.er.0123456789abcdef.tmp");
  std::filesystem::create_directory(leftover);
  std::filesystem::create_directory(other);
  around_.Write(".new.0123456789abcdef.tmp/file", "content");
  around_.Write(".new.fedcba9876543210.tmp", "a file");
  ASSERT_TRUE(Begin());
  EXPECT_FALSE(std::filesystem::exists(leftover));
  EXPECT_TRUE(std::filesystem::exists(other));
  EXPECT_TRUE(
      std::filesystem::exists(around_.PathOf(".new.fedcba9876543210.tmp")));
}

TEST_F(StagedDirectoryTest, ALinkInThePlaceOfALeftoverIsNotFollowed) {
  std::filesystem::create_directory(around_.PathOf("victim"));
  around_.Write("victim/precious", "content");
  std::filesystem::create_directory_symlink(
      around_.PathOf("victim"), around_.PathOf(".new.0123456789abcdef.tmp"));
  ASSERT_TRUE(Begin());
  EXPECT_EQ(around_.ReadBack("victim/precious"), "content");
}

TEST_F(StagedDirectoryTest, WhatAnotherRunIsFillingStays) {
  auto first = Begin();
  ASSERT_TRUE(first);
  ASSERT_TRUE((*first)->Add("file", AsBytes("content"), 0440).ok());
  ASSERT_TRUE(Begin());
  ASSERT_TRUE((*first)->Publish().ok());
  EXPECT_EQ(around_.ReadBack("new/file"), "content");
}

TEST_F(StagedDirectoryTest, WhatSomebodyElseMadeStays) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  const std::string foreign = around_.PathOf(".new.0123456789abcdef.tmp");
  const std::string owned = around_.PathOf(".new.fedcba9876543210.tmp");
  std::filesystem::create_directory(foreign);
  std::filesystem::create_directory(owned);
  ASSERT_EQ(chown(foreign.c_str(), 65533, 65533), 0);
  ASSERT_EQ(chown(owned.c_str(), 65534, 65534), 0);
  ASSERT_EQ(chown(around_.path().c_str(), 65534, 65534), 0);
  ASSERT_TRUE(Begin());
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_FALSE(std::filesystem::exists(owned));
}

TEST_F(StagedDirectoryTest, ItBelongsToWhomItIsMadeForOrToTheOwnerAroundIt) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  ASSERT_EQ(chown(around_.path().c_str(), 65534, 65534), 0);
  const auto owner_of = [&](std::optional<FileOwner> owner) {
    auto staged = StagedDirectory::Begin(PosixFileSystem(), SystemRandom(),
                                         path_, 0750, owner);
    EXPECT_TRUE(staged && (*staged)->Publish().ok());
    const FileOwner found = PosixFileSystem().Stat(path_)->owner;
    std::filesystem::remove(path_);
    return found;
  };
  EXPECT_EQ(owner_of(std::nullopt), (FileOwner{65534, 65534}));
  EXPECT_EQ(owner_of(FileOwner{65533, 65532}), (FileOwner{65533, 65532}));
}

TEST_F(StagedDirectoryTest, ALinkInItsOwnPlaceGetsNothing) {
  auto staged = Begin();
  ASSERT_TRUE(staged);
  const std::string taken = (*staged)->path();
  std::filesystem::rename(taken, around_.PathOf("moved"));
  std::filesystem::create_directory(around_.PathOf("victim"));
  around_.Write("victim/file", "precious");
  std::filesystem::create_directory_symlink(around_.PathOf("victim"), taken);
  EXPECT_TRUE((*staged)->Add("other", AsBytes("content"), 0440).ok());
  const Status again = (*staged)->Add("other", AsBytes("content"), 0440);
  EXPECT_NE(again.message().find(taken + "/other"), std::string::npos)
      << again.message();
  staged->reset();
  EXPECT_EQ(around_.ReadBack("victim/file"), "precious");
  EXPECT_FALSE(std::filesystem::exists(around_.PathOf("victim/other")));
}

}  // namespace
}  // namespace openkeyring
