// SPDX-License-Identifier: MIT
#include "testing/crash_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Bytes kContent = {1, 2, 3};

TEST(CrashFileSystem, UnsyncedNameIsLostAtACrash) {
  CrashFileSystem files;
  auto file = files.Create("a", 0440);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->Append(kContent).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  files.Crash();
  EXPECT_THAT(files.Names(), IsEmpty());
}

TEST(CrashFileSystem, UnsyncedBytesAreLostThoughTheNameIsDurable) {
  CrashFileSystem files;
  auto file = files.Create("a", 0440);
  ASSERT_TRUE((*file)->Append(kContent).ok());
  ASSERT_TRUE(files.SyncDirectory(".").ok());
  files.Crash();
  EXPECT_THAT(files.Names(), ElementsAre("a"));
  EXPECT_THAT(files.Content("a"), IsEmpty());
}

TEST(CrashFileSystem, SyncedBytesUnderADurableNameSurvive) {
  CrashFileSystem files;
  auto file = files.Create("a", 0440);
  ASSERT_TRUE((*file)->Append(kContent).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  ASSERT_TRUE(files.RenameNoReplace("a", "b").ok());
  ASSERT_TRUE(files.SyncDirectory(".").ok());
  files.Crash();
  EXPECT_EQ(files.Content("b"), kContent);
  EXPECT_EQ(files.Permissions("b"), 0440u);
}

TEST(CrashFileSystem, StepsBeyondTheLimitFail) {
  CrashFileSystem files;
  files.FailAfter(1);
  auto file = files.Create("a", 0440);
  ASSERT_TRUE(file);
  EXPECT_FALSE((*file)->Append(kContent).ok());
  EXPECT_FALSE(files.Remove("a").ok());
  EXPECT_EQ(files.steps(), 1u);
}

TEST(CrashFileSystem, RenameNoReplaceKeepsWhatIsThere) {
  CrashFileSystem files;
  files.Put("a", kContent);
  files.Put("b", {9});
  EXPECT_EQ(files.RenameNoReplace("a", "b").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(files.Content("b"), Bytes{9});
}

TEST(CrashFileSystem, OverwrittenIsTheSameFileAndPutIsAnother) {
  CrashFileSystem files;
  files.Put("a", kContent);
  auto file = files.OpenLocked("a");
  ASSERT_TRUE(file);
  files.Overwrite("a", {9});
  EXPECT_EQ(*(*file)->Size(), 1u);
  EXPECT_TRUE(*(*file)->IsAt("a"));
  files.Put("a", {9});
  EXPECT_FALSE(*(*file)->IsAt("a"));
}

TEST(CrashFileSystem, ItsDirectoryIsThere) {
  CrashFileSystem files;
  const auto directory = files.Stat(".");
  ASSERT_TRUE(directory);
  EXPECT_TRUE(directory->is_directory);
  EXPECT_FALSE(files.Stat("a"));
}

TEST(CrashFileSystem, AnOpenNewFileIsLocked) {
  CrashFileSystem files;
  auto file = files.Create("a", 0440);
  EXPECT_EQ(files.RemoveUnlocked("a").code(), StatusCode::kUnavailable);
  file->reset();
  EXPECT_TRUE(files.RemoveUnlocked("a").ok());
}

}  // namespace
}  // namespace openkeyring
