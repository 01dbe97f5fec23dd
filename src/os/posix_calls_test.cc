// SPDX-License-Identifier: MIT
// The system calls behind durability: what a file system in memory cannot see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "os/durable.h"
#include "os/file_system.h"
#include "os/random.h"
#include "testing/temporary_directory.h"
#include "testing/traced_calls.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class PosixCallsTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  const std::string real_ =
      std::filesystem::canonical(directory_.path()).string();
  FileSystem& files_ = PosixFileSystem();
};

TEST_F(PosixCallsTest, SyncingAFileMakesItsContentDurable) {
  auto file = files_.OpenLocked(directory_.Write("f", "old"));
  ASSERT_TRUE(file);
  const TracedCalls traced;
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_THAT(traced.calls(), ElementsAre("fdatasync " + real_ + "/f"));
}

TEST_F(PosixCallsTest, SyncingADirectoryMakesItsEntriesDurable) {
  const TracedCalls traced;
  ASSERT_TRUE(files_.SyncDirectory(directory_.path()).ok());
  EXPECT_THAT(traced.calls(),
              ElementsAre("open " + directory_.path(), "fsync " + real_));
}

TEST_F(PosixCallsTest, AFileIsCreatedInTheOrderThatSurvivesAPowerCut) {
  const TracedCalls traced;
  ASSERT_TRUE(CreateDurably(files_, SystemRandom(), directory_.path(), "f",
                            AsBytes("new"), 0600)
                  .ok());
  EXPECT_THAT(traced.calls(),
              ElementsAre(StartsWith("open " + directory_.path() + "/.f."),
                          StartsWith("fdatasync " + real_ + "/.f."),
                          "renameat2 " + directory_.PathOf("f"),
                          "open " + directory_.path(), "fsync " + real_));
}

TEST_F(PosixCallsTest, AFileIsReplacedInTheOrderThatSurvivesAPowerCut) {
  const std::string path = directory_.Write("f", "old");
  const TracedCalls traced;
  ASSERT_TRUE(ReplaceDurably(files_, SystemRandom(), path, AsBytes("new"), 0600,
                             std::nullopt)
                  .status.ok());
  EXPECT_THAT(
      traced.calls(),
      ElementsAre(StartsWith("open " + directory_.path() + "/.f."),
                  StartsWith("fdatasync " + real_ + "/.f."), "rename " + path,
                  "open " + directory_.path(), "fsync " + real_));
}

// A program that the server starts has no business with key files.
TEST_F(PosixCallsTest, NoFileIsInheritedByChildren) {
  const std::string path = directory_.Write("f", "content");
  const TracedCalls traced;
  ASSERT_TRUE(files_.Read(path, 100));
  ASSERT_TRUE(files_.ReadSecret(path, 100));
  ASSERT_TRUE(files_.ReadStart(path, 3));
  ASSERT_TRUE(files_.OpenLocked(path));
  ASSERT_TRUE(files_.Create(directory_.PathOf("new"), 0600));
  ASSERT_TRUE(files_.SyncDirectory(directory_.path()).ok());
  ASSERT_TRUE(files_.RemoveUnlocked(path).ok());
  EXPECT_THAT(traced.calls(), Not(IsEmpty()));
  EXPECT_THAT(traced.inherited(), IsEmpty());
}

}  // namespace
}  // namespace openkeyring
