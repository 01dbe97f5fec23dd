// SPDX-License-Identifier: MIT
// Keys that a tool brings: KeyFileBackend::Store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/mariadb_files/key_file_backend.h"
#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::Not;

class KeyFileStoreTest : public testing::TestWithParam<BindPolicy> {
 protected:
  KeyFileBackend MakeBackend(FileSystem& files) {
    return KeyFileBackend(wrapper_, files, random_, log_,
                          {{}, [] { return GetParam(); }});
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }

  ManualClock clock_;
  CrashFileSystem files_;
  FakeKeyWrapper wrapper_;
  FakeRandom random_;
  MemoryLog log_;
  const Secret one_ = Secret::CopyOf("sixteen bytes. 1");
  const Secret two_ = Secret::CopyOf("sixteen bytes. 2");
};

TEST_P(KeyFileStoreTest, TheValueComesBackAndTheVersionIsMarked) {
  KeyFileBackend backend = MakeBackend(files_);
  ASSERT_TRUE(backend.Store({3, 2}, one_, Soon()).ok());
  KeyFileBackend restarted = MakeBackend(files_);
  EXPECT_TRUE(restarted.Fetch({3, 2}, Soon())->Equals(one_));
  EXPECT_THAT(*restarted.List(), ElementsAre(KeyVersion{3, 2}));
  EXPECT_THAT(files_.Names(), Contains("aws-kms-key-made.3.2"));
  EXPECT_EQ(ReadKeyFile(files_.Content("aws-kms-key.3.2"))->bound,
            GetParam() != BindPolicy::kOff);
}

TEST_P(KeyFileStoreTest, AVersionThatIsThereStays) {
  KeyFileBackend backend = MakeBackend(files_);
  ASSERT_TRUE(backend.Store({3, 2}, one_, Soon()).ok());
  EXPECT_EQ(backend.Store({3, 2}, two_, Soon()).code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(MakeBackend(files_).Fetch({3, 2}, Soon())->Equals(one_));
}

TEST_P(KeyFileStoreTest, OnlyAnAesKeyIsStored) {
  const Secret odd = Secret::CopyOf("not an AES key");
  EXPECT_EQ(MakeBackend(files_).Store({3, 1}, odd, Soon()).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(wrapper_.calls("Wrap"), 0);
  EXPECT_THAT(files_.Names(), IsEmpty());
}

TEST_P(KeyFileStoreTest, AWrappingThatOpensAsAnotherKeyGetsNoFile) {
  wrapper_.SetPlaintextHook([](Secret& key) { key.RevealMutable()[0] ^= 1; });
  EXPECT_FALSE(MakeBackend(files_).Store({3, 1}, one_, Soon()).ok());
  EXPECT_THAT(files_.Names(), Not(Contains("aws-kms-key.3.1")));
}

TEST_P(KeyFileStoreTest, ACrashAtAnyStepLeavesNoFileOrTheWholeOne) {
  for (const bool lucky : {false, true}) {
    for (size_t step = 0; step < 20; ++step) {
      CrashFileSystem files;
      KeyFileBackend backend = MakeBackend(files);
      files.FailAfter(step);
      const Status stored = backend.Store({3, 1}, one_, Soon());
      files.Crash(lucky);
      ASSERT_TRUE(backend.Prepare().ok());
      const Result<Secret> key = backend.Fetch({3, 1}, Soon());
      if (key) {
        EXPECT_TRUE(key->Equals(one_)) << step;
        continue;
      }
      ASSERT_FALSE(stored.ok()) << "a stored key is lost at step " << step;
      EXPECT_EQ(key.status().code(), StatusCode::kNotFound) << step;
      EXPECT_THAT(files.Names(), Not(Contains(EndsWith(".tmp")))) << step;
      EXPECT_TRUE(backend.Store({3, 1}, one_, Soon()).ok()) << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, KeyFileStoreTest,
                         testing::Values(BindPolicy::kOn, BindPolicy::kOff));

}  // namespace
}  // namespace openkeyring
