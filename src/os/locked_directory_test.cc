// SPDX-License-Identifier: MIT
#include "os/locked_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

namespace fs = std::filesystem;

class LockedDirectoryTest : public testing::Test {
 protected:
  LockedDirectoryTest() { fs::create_directory(path_); }

  static StatusCode CodeOf(const std::string& path) {
    return LockedDirectory::Open(path).status().code();
  }

  TemporaryDirectory around_;
  const std::string path_ = around_.PathOf("d");
};

TEST_F(LockedDirectoryTest, ItIsLockedUntilItIsGone) {
  auto opened = LockedDirectory::Open(path_);
  ASSERT_TRUE(opened) << opened.status().message();
  EXPECT_TRUE((*opened)->IsOurs());
  EXPECT_EQ(CodeOf(path_), StatusCode::kAlreadyExists);
  opened->reset();
  EXPECT_EQ(CodeOf(path_), StatusCode::kOk);
}

TEST_F(LockedDirectoryTest, OnlyADirectoryItselfIsOpened) {
  fs::create_directory_symlink(path_, around_.PathOf("link"));
  around_.Write("file", "x");
  EXPECT_EQ(CodeOf(around_.PathOf("link")), StatusCode::kDenied);
  EXPECT_EQ(CodeOf(around_.PathOf("file")), StatusCode::kDenied);
  EXPECT_EQ(CodeOf(around_.PathOf("none")), StatusCode::kNotFound);
}

TEST_F(LockedDirectoryTest, ItStaysTheSameWhateverTakesItsName) {
  const auto opened = LockedDirectory::Open(path_);
  ASSERT_TRUE(opened);
  fs::rename(path_, around_.PathOf("moved"));
  fs::create_directory(around_.PathOf("other"));
  fs::create_directory_symlink(around_.PathOf("other"), path_);
  ASSERT_TRUE((*opened)->SetPermissions(0750).ok());
  ASSERT_TRUE(PosixFileSystem().Create((*opened)->path() + "/f", 0600));
  EXPECT_TRUE(fs::exists(around_.PathOf("moved/f")));
  EXPECT_FALSE(fs::exists(around_.PathOf("other/f")));
  EXPECT_EQ(PosixFileSystem().Stat(around_.PathOf("moved"))->permissions,
            mode_t{0750});
}

TEST_F(LockedDirectoryTest, OneThatWasReplacedBeforeItWasLockedIsNotTheOne) {
  const auto moved = LockedDirectory::Open(path_, [&] {
    fs::rename(path_, around_.PathOf("moved"));
    fs::create_directory(path_);
  });
  EXPECT_EQ(moved.status().code(), StatusCode::kNotFound);
  EXPECT_NE(moved.status().message().find("was replaced"), std::string::npos);
  const auto removed = LockedDirectory::Open(path_, [&] { fs::remove(path_); });
  EXPECT_EQ(removed.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(around_.PathOf("moved")), StatusCode::kOk)
      << "it is not left locked";
}

}  // namespace
}  // namespace openkeyring
