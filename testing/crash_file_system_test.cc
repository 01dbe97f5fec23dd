// SPDX-License-Identifier: MIT
#include "testing/crash_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

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

// What can be found after a partial crash of "ab" durable and "cd" written on.
std::set<std::string> PartialOutcomes(size_t block_size) {
  std::set<std::string> outcomes;
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    CrashFileSystem files;
    files.Put("a", {'a', 'b'});
    auto file = files.OpenLocked("a");
    EXPECT_TRUE((*file)->Append(AsBytes("cd")).ok());
    files.CrashPartially(random, block_size);
    outcomes.insert(std::string(AsText(files.Content("a"))));
  }
  return outcomes;
}

TEST(CrashFileSystem, UnsyncedBlocksReachTheDiskInAnyOrder) {
  const std::string hole(1, '\0');
  EXPECT_THAT(PartialOutcomes(1),
              testing::UnorderedElementsAre("ab", "abcd", "ab" + hole + "d",
                                            "abc" + hole, "ab" + hole + hole));
  EXPECT_THAT(PartialOutcomes(2),
              testing::UnorderedElementsAre("ab", "abcd", "ab" + hole + hole));
  EXPECT_THAT(PartialOutcomes(4096),
              testing::UnorderedElementsAre("ab", "abcd", "ab" + hole + hole));
}

TEST(CrashFileSystem, SyncedBytesSurviveAPartialCrash) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50; ++i) {
    CrashFileSystem files;
    files.Put("a", {'a'});
    auto file = files.OpenLocked("a");
    ASSERT_TRUE((*file)->Append(AsBytes("b")).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    ASSERT_TRUE((*file)->Append(AsBytes("c")).ok());
    files.CrashPartially(random, 1);
    ASSERT_EQ(AsText(files.Content("a")).substr(0, 2), "ab");
  }
}

TEST(CrashFileSystem, AnyUnsyncedChangesOfTheDirectorySurviveAPartialCrash) {
  std::set<std::vector<std::string>> outcomes;
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    CrashFileSystem files;
    files.Put("a", {1});
    files.Put("b", {2});
    ASSERT_TRUE(files.Rename("a", "c").ok());
    ASSERT_TRUE(files.Remove("b").ok());
    files.CrashPartially(random, 512);
    outcomes.insert(files.Names());
  }
  EXPECT_THAT(outcomes, testing::UnorderedElementsAre(
                            ElementsAre("a", "b"), ElementsAre("a"),
                            ElementsAre("b", "c"), ElementsAre("c")));
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
