// SPDX-License-Identifier: MIT
#include "os/staged_directory.h"

#include <gtest/gtest.h>

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
  const std::string other = around_.PathOf(".newer.0123456789abcdef.tmp");
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

}  // namespace
}  // namespace openkeyring
