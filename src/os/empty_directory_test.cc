// SPDX-License-Identifier: MIT
#include "os/empty_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

TEST(EmptyDirectoryTest, OnlyWhatTheServerIgnoresMayBeInIt) {
  TemporaryDirectory directory;
  FileSystem& files = PosixFileSystem();
  EXPECT_TRUE(IsEmptyDirectory(files, directory.path()));
  std::filesystem::create_directory(directory.PathOf("lost+found"));
  directory.Write(".rnd", "");
  EXPECT_TRUE(IsEmptyDirectory(files, directory.path()));
  directory.Write("ibdata1", "");
  EXPECT_FALSE(IsEmptyDirectory(files, directory.path()));
  EXPECT_FALSE(IsEmptyDirectory(files, directory.PathOf("none")));
}

}  // namespace
}  // namespace openkeyring
