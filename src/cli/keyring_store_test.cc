// SPDX-License-Identifier: MIT
#include "cli/keyring_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/crash_file_system.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kText[] = "a complete keyring";

TEST(KeyringStoreTest, AtEveryCrashAPublishedFileIsCompleteOrNotThere) {
  size_t steps = 0;
  {
    CrashFileSystem files;
    ASSERT_TRUE(PublishFile(files, "keys", AsBytes(kText), 0640));
    steps = files.steps();
  }
  ASSERT_GE(steps, 4u);
  for (size_t step = 0; step < steps; ++step) {
    for (const bool lucky : {false, true}) {
      CrashFileSystem files;
      files.TearAppends(true);
      files.FailAfter(step);
      EXPECT_FALSE(PublishFile(files, "keys", AsBytes(kText), 0640)) << step;
      files.Crash(lucky);
      const Result<Bytes> found = files.Read("keys", 1000);
      if (!found) continue;
      EXPECT_EQ(AsText(*found), kText) << step << lucky;
    }
  }
  for (const bool lucky : {false, true}) {
    CrashFileSystem files;
    ASSERT_TRUE(PublishFile(files, "keys", AsBytes(kText), 0640));
    files.Crash(lucky);
    EXPECT_EQ(AsText(*files.Read("keys", 1000)), kText);
  }
}

TEST(KeyringStoreTest, WhatIsThereIsNotOverwritten) {
  CrashFileSystem files;
  ASSERT_TRUE(PublishFile(files, "keys", AsBytes(kText), 0640));
  const Outcome refused = PublishFile(files, "keys", AsBytes("other"), 0640);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::kFailed);
  EXPECT_EQ(AsText(*files.Read("keys", 1000)), kText);
}

TEST(KeyringStoreTest, PlainKeysThatAKilledRunLeftAreRemoved) {
  TemporaryDirectory directory;
  directory.Write(".keys.0123456789abcdef.tmp", kText);
  directory.Write(".other.0123456789abcdef.tmp", kText);
  ASSERT_TRUE(
      PublishSecretFile(directory.PathOf("keys"), Secret::CopyOf("new")));
  EXPECT_TRUE(directory.Has("keys"));
  EXPECT_FALSE(directory.Has(".keys.0123456789abcdef.tmp"));
  EXPECT_TRUE(directory.Has(".other.0123456789abcdef.tmp"));
}

TEST(KeyringStoreTest, ALockedFileIsInUseAndAFreeOneIsLocked) {
  TemporaryDirectory directory;
  const std::string path = directory.Write("keys", kText);
  FileSystem& files = PosixFileSystem();
  std::unique_ptr<WritableFile> mine, other;
  ASSERT_TRUE(LockFile(files, path, mine));
  EXPECT_TRUE(mine);
  const Outcome refused = LockFile(files, path, other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::kInUse);
  EXPECT_THAT(refused.error().status.message(),
              HasSubstr("is in use by process " + std::to_string(getpid())));
  EXPECT_THAT(refused.error().status.message(), Not(HasSubstr(", pid")))
      << "which is said once";
  EXPECT_FALSE(other);
  EXPECT_TRUE(LockFile(files, path, mine)) << "by ourselves";
}

TEST(KeyringStoreTest, AFileThatIsNotThereIsNotLocked) {
  TemporaryDirectory directory;
  std::unique_ptr<WritableFile> lock;
  EXPECT_TRUE(LockFile(PosixFileSystem(), directory.PathOf("missing"), lock));
  EXPECT_FALSE(lock);
  EXPECT_FALSE(directory.Has("missing"));
}

}  // namespace
}  // namespace openkeyring
