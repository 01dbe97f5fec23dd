// SPDX-License-Identifier: MIT
#include "storage/mariadb_files/key_file_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class KeyFileBackendTest : public testing::Test {
 protected:
  KeyFileBackend MakeBackend() {
    return KeyFileBackend(wrapper_, files_, random_, log_,
                          {"", [this] { return policy_; }});
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }

  ManualClock clock_;
  CrashFileSystem files_;
  FakeKeyWrapper wrapper_;
  FakeRandom random_;
  MemoryLog log_;
  BindPolicy policy_ = BindPolicy::kOn;
};

TEST_F(KeyFileBackendTest, CreatedKeyCanBeFetchedAndListed) {
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  ASSERT_TRUE(backend.Create({4294967294u, 7}, 32, Soon()).ok());
  EXPECT_EQ(backend.Fetch({1, 1}, Soon())->size(), 16u);
  EXPECT_EQ(backend.Fetch({4294967294u, 7}, Soon())->size(), 32u);
  EXPECT_THAT(
      *backend.List(),
      UnorderedElementsAre(KeyVersion{1, 1}, KeyVersion{4294967294u, 7}));
  EXPECT_EQ(files_.Permissions("aws-kms-key.1.1"), 0440u);
}

TEST_F(KeyFileBackendTest, FirstFileOfANameStays) {
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  const Bytes first = files_.Content("aws-kms-key.1.1");
  EXPECT_EQ(backend.Create({1, 1}, 16, Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(files_.Content("aws-kms-key.1.1"), first);
  EXPECT_THAT(files_.Names(), ElementsAre("aws-kms-key.1.1"));
}

TEST_F(KeyFileBackendTest, MissingFileIsNotFound) {
  EXPECT_EQ(MakeBackend().Fetch({1, 1}, Soon()).status().code(),
            StatusCode::kNotFound);
}

TEST_F(KeyFileBackendTest, UnreachableKmsIsNotNotFound) {
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  wrapper_.SetHook([](const std::string&) {
    return Status(StatusCode::kUnavailable, "no answer");
  });
  const Status status = backend.Fetch({1, 1}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("aws-kms-key.1.1"));
}

TEST_F(KeyFileBackendTest, RenamedBoundFileIsRefusedByName) {
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  ASSERT_TRUE(files_.Rename("aws-kms-key.1.1", "aws-kms-key.2.1").ok());
  const Status status = backend.Fetch({2, 1}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("renamed or swapped"));
}

TEST_F(KeyFileBackendTest, BlobUnderAnotherFilesHeaderIsRefusedByTheKms) {
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  const auto first = ReadKeyFile(files_.Content("aws-kms-key.1.1"));
  files_.Put("aws-kms-key.2.1",
             *WriteBoundKeyFile(first->wrapped, BindingOf({2, 1})));
  EXPECT_EQ(backend.Fetch({2, 1}, Soon()).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(KeyFileBackendTest, OffWritesRawBlobsThatTheStockPluginReads) {
  policy_ = BindPolicy::kOff;
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  EXPECT_EQ(files_.Content("aws-kms-key.1.1")[0], 1);
  const auto key =
      wrapper_.Unwrap({files_.Content("aws-kms-key.1.1"), ""}, {}, Soon());
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->key.Equals(*backend.Fetch({1, 1}, Soon())));
}

TEST_F(KeyFileBackendTest, RawFilesAreReadUnlessBindingIsRequired) {
  policy_ = BindPolicy::kOff;
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  policy_ = BindPolicy::kOn;
  EXPECT_TRUE(backend.Fetch({1, 1}, Soon()));
  policy_ = BindPolicy::kRequired;
  const Status status = backend.Fetch({1, 1}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_THAT(status.message(),
              HasSubstr("aws_key_management_bind_key_id=REQUIRED"));
}

TEST_F(KeyFileBackendTest, KeyOfAnImpossibleSizeIsCorrupt) {
  policy_ = BindPolicy::kOff;
  const auto wrapped = wrapper_.Wrap(Secret(5), {}, Soon());
  files_.Put("aws-kms-key.1.1", wrapped->blob);
  EXPECT_EQ(MakeBackend().Fetch({1, 1}, Soon()).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(KeyFileBackendTest, NoDamagedByteEverYieldsAWrongKey) {
  for (const BindPolicy policy : {BindPolicy::kOff, BindPolicy::kOn}) {
    policy_ = policy;
    KeyFileBackend backend = MakeBackend();
    const KeyVersion key{policy == BindPolicy::kOff ? 1u : 2u, 1};
    ASSERT_TRUE(backend.Create(key, 16, Soon()).ok());
    const Bytes whole = files_.Content(KeyFileName(key));
    for (size_t i = 0; i < whole.size(); ++i) {
      Bytes damaged = whole;
      damaged[i] ^= 0x20;
      files_.Put(KeyFileName(key), damaged);
      EXPECT_EQ(backend.Fetch(key, Soon()).status().code(),
                StatusCode::kCorrupt)
          << i;
      files_.Put(KeyFileName(key), Bytes(whole.begin(), whole.begin() + i));
      EXPECT_EQ(backend.Fetch(key, Soon()).status().code(),
                StatusCode::kCorrupt)
          << i;
    }
  }
}

TEST_F(KeyFileBackendTest, CrashAtAnyStepLeavesNoFileOrAWholeOne) {
  for (const bool lucky : {false, true}) {
    for (size_t step = 0; step < 10; ++step) {
      CrashFileSystem files;
      KeyFileBackend backend(wrapper_, files, random_, log_,
                             {"", [] { return BindPolicy::kOn; }});
      files.FailAfter(step);
      const Status created = backend.Create({1, 1}, 16, Soon());
      files.Crash(lucky);
      ASSERT_TRUE(backend.Prepare().ok());
      const Result<Secret> key = backend.Fetch({1, 1}, Soon());
      if (created.ok()) {
        ASSERT_TRUE(key) << "a key that was reported as made is lost";
      } else if (!key) {
        EXPECT_EQ(key.status().code(), StatusCode::kNotFound) << step;
        EXPECT_THAT(files.Names(), IsEmpty()) << "leftover at step " << step;
        EXPECT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
      }
    }
  }
}

TEST_F(KeyFileBackendTest, FailedWriteLeavesNothingBehind) {
  KeyFileBackend backend = MakeBackend();
  files_.FailWith(Status(StatusCode::kUnavailable, "no space left on device"));
  EXPECT_EQ(backend.Create({1, 1}, 16, Soon()).code(),
            StatusCode::kUnavailable);
  files_.FailWith(std::nullopt);
  EXPECT_THAT(files_.Names(), IsEmpty());
}

TEST_F(KeyFileBackendTest, PrepareSweepsLeftoversButNotFilesBeingWritten) {
  files_.Put(".aws-kms-key.1.1.0123456789abcdef.tmp", {1});
  files_.Put("aws-kms-key.1.1", {1});
  files_.Put(".something-else.tmp", {1});
  auto busy = files_.Create(".aws-kms-key.1.2.0123456789abcdef.tmp", 0440);
  ASSERT_TRUE(MakeBackend().Prepare().ok());
  EXPECT_THAT(files_.Names(),
              UnorderedElementsAre(".aws-kms-key.1.2.0123456789abcdef.tmp",
                                   ".something-else.tmp", "aws-kms-key.1.1"));
}

}  // namespace
}  // namespace openkeyring
