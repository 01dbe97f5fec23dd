// SPDX-License-Identifier: MIT
#include "testing/spy_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openkeyring {
namespace {

using testing::ElementsAre;

TEST(SpyFileSystem, WritesDownTheStepsAndCountsBytes) {
  SpyFileSystem files;
  {
    auto file = files.Create("a", 0600);
    ASSERT_TRUE((*file)->Append(AsBytes("abc")).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    ASSERT_TRUE((*file)->ReadBack(0, 3));
    ASSERT_TRUE((*file)->Truncate(1).ok());
  }
  ASSERT_TRUE(files.OpenLocked("a"));
  ASSERT_TRUE(files.Rename("a", "b").ok());
  ASSERT_TRUE(files.SyncDirectory(".").ok());
  ASSERT_TRUE(files.Read("b", 9));
  ASSERT_TRUE(files.Remove("b").ok());
  EXPECT_THAT(files.seen, ElementsAre("create", "append", "sync", "read back",
                                      "truncate", "open", "rename",
                                      "sync directory", "read", "remove"));
  EXPECT_EQ(files.bytes_appended, 3u);
}

TEST(SpyFileSystem, FailsTheNamedStepAndLeavesItUndone) {
  SpyFileSystem files;
  auto file = files.Create("a", 0600);
  files.FailAt("append", {StatusCode::kDenied, "planted"});
  EXPECT_EQ((*file)->Append(AsBytes("abc")).code(), StatusCode::kDenied);
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(*(*file)->Size(), 0u);
  EXPECT_EQ(files.bytes_appended, 0u);
}

TEST(SpyFileSystem, LiesWhenAskedTo) {
  SpyFileSystem files;
  auto file = files.Create("a", 0600);
  ASSERT_TRUE((*file)->Append(AsBytes("abc")).ok());
  files.lies_on_read_back = true;
  EXPECT_NE(AsText(*(*file)->ReadBack(0, 3)), "abc");
}

}  // namespace
}  // namespace openkeyring
