// SPDX-License-Identifier: MIT
#include "os/memory_file_system.h"

#include <gtest/gtest.h>

#include "os/durable.h"
#include "testing/fakes.h"

namespace openkeyring {
namespace {

Bytes BytesOf(std::string_view text) {
  return {AsBytes(text).begin(), AsBytes(text).end()};
}

TEST(MemoryFileSystemTest, AFileThatWasWrittenCanBeReadUnderItsName) {
  MemoryFileSystem files;
  FakeRandom random;
  ASSERT_TRUE(
      CreateDurably(files, random, ".", "name", AsBytes("content"), 0640).ok());
  EXPECT_EQ(*files.Read("name", 100), BytesOf("content"));
  EXPECT_EQ(files.Read("name", 3).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(files.Stat("name")->permissions, mode_t{0640});
  EXPECT_EQ(*files.List("."), std::vector<std::string>{"name"});
  EXPECT_EQ(
      CreateDurably(files, random, ".", "name", AsBytes("other"), 0640).code(),
      StatusCode::kAlreadyExists);
  EXPECT_EQ(*files.Read("name", 100), BytesOf("content"));
}

TEST(MemoryFileSystemTest, AnOpenFileIsLockedUntilItIsClosed) {
  MemoryFileSystem files;
  auto file = files.Create("name", 0640);
  ASSERT_TRUE(file);
  EXPECT_EQ(files.OpenLocked("name").status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(files.Create("name", 0640).status().code(),
            StatusCode::kAlreadyExists);
  file->reset();
  EXPECT_TRUE(files.OpenLocked("name"));
}

TEST(MemoryFileSystemTest, AReplacedFileIsNotAtItsNameAnyMore) {
  MemoryFileSystem files;
  FakeRandom random;
  auto old = files.Create("name", 0640);
  ASSERT_TRUE(old && (*old)->Append(AsBytes("old")).ok());
  EXPECT_TRUE(*(*old)->IsAt("name"));
  const Replaced replaced =
      ReplaceDurably(files, random, "name", AsBytes("new"), 0640, std::nullopt);
  ASSERT_TRUE(replaced.status.ok());
  EXPECT_FALSE(*(*old)->IsAt("name"));
  EXPECT_EQ(*files.Read("name", 100), BytesOf("new"));
  EXPECT_EQ(*(*old)->ReadBack(0, 3), BytesOf("old"));
  EXPECT_EQ((*old)->ReadBack(1, 3).status().code(), StatusCode::kCorrupt);
}

TEST(MemoryFileSystemTest, WhatIsNotThereIsNotFound) {
  MemoryFileSystem files;
  EXPECT_EQ(files.Read("x", 1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files.Stat("x").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files.OpenLocked("x").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files.Remove("x").code(), StatusCode::kNotFound);
  EXPECT_EQ(files.Rename("x", "y").code(), StatusCode::kNotFound);
}

TEST(MemoryFileSystemTest, ARenameThatMayNotReplaceDoesNot) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.Create("a", 0600) && files.Create("b", 0600));
  EXPECT_EQ(files.RenameNoReplace("a", "b").code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(files.Stat("a"));
  EXPECT_TRUE(files.RenameNoReplace("a", "c").ok());
}

TEST(MemoryFileSystemTest, SecretsHaveNoPlaceHere) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.Create("a", 0600));
  EXPECT_FALSE(files.ReadSecret("a", 100));
}

}  // namespace
}  // namespace openkeyring
