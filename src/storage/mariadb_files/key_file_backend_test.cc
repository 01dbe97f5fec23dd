// SPDX-License-Identifier: MIT
#include "storage/mariadb_files/key_file_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "testing/crash_file_system.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class KeyFileBackendTest : public testing::Test {
 protected:
  KeyFileBackend MakeBackend() {
    return KeyFileBackend(wrapper_, files_, random_, log_,
                          {{}, [this] { return policy_; }});
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
  EXPECT_THAT(files_.Names(),
              UnorderedElementsAre("aws-kms-key.1.1", "aws-kms-key-made.1.1",
                                   "aws-kms-key-installation"));
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
             *WriteBoundKeyFile(first->wrapped,
                                ContextOf({2, 1}, first->installation())));
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
    for (size_t step = 0; step < 20; ++step) {
      CrashFileSystem files;
      KeyFileBackend backend(wrapper_, files, random_, log_,
                             {{}, [] { return BindPolicy::kOn; }});
      files.FailAfter(step);
      const Status created = backend.Create({1, 1}, 16, Soon());
      files.Crash(lucky);
      ASSERT_TRUE(backend.Prepare().ok());
      const Result<Secret> key = backend.Fetch({1, 1}, Soon());
      if (created.ok()) {
        ASSERT_TRUE(key) << "a key that was reported as made is lost";
      } else if (!key) {
        EXPECT_EQ(key.status().code(), StatusCode::kNotFound) << step;
        EXPECT_THAT(files.Names(), Not(Contains(EndsWith(".tmp")))) << step;
        EXPECT_THAT(*backend.List(), IsEmpty()) << "blocked at step " << step;
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

// ---- What can be made can also be opened -----------------------------------

TEST_F(KeyFileBackendTest, AKeyThatCannotBeOpenedGetsNoFile) {
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Create({1, 1}, 16, Soon()).ok());
  wrapper_.SetHook([](const std::string& operation) {
    return operation == "Unwrap" ? Status(StatusCode::kDenied, "no Decrypt")
                                 : Status::Ok();
  });
  EXPECT_EQ(backend.Create({1, 2}, 16, Soon()).code(), StatusCode::kDenied);
  EXPECT_THAT(*backend.List(), testing::ElementsAre(KeyVersion{1, 1}));
  EXPECT_THAT(files_.Names(), Not(Contains("aws-kms-key.1.2")));
}

// ---- The highest version ever made -----------------------------------------

TEST_F(KeyFileBackendTest, ANewKeyIsUsedOnceTwoAnswersAgreeOnIt) {
  for (const int false_answer : {1, 2}) {
    KeyFileBackend backend = MakeBackend();
    const KeyVersion key{static_cast<uint32_t>(false_answer), 1};
    int answers = 0;
    wrapper_.SetPlaintextHook([&](Secret& plaintext) {
      if (++answers == false_answer) plaintext.RevealMutable()[0] ^= 1;
    });
    ASSERT_TRUE(backend.Create(key, 16, Soon()).ok());
    const Status status = backend.Fetch(key, Soon()).status();
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << false_answer;
    EXPECT_THAT(status.message(), HasSubstr("as two different keys"));
    if (false_answer == 2) {
      EXPECT_FALSE(backend.Fetch(key, Soon()));
    }
    const auto right = backend.Fetch(key, Soon());
    ASSERT_TRUE(right);
    KeyFileBackend restarted = MakeBackend();
    EXPECT_TRUE(restarted.Fetch(key, Soon())->Equals(*right));
  }
}

TEST_F(KeyFileBackendTest, AMissingNewestVersionIsStillListed) {
  KeyFileBackend backend = MakeBackend();
  for (const uint32_t version : {1, 2, 3}) {
    ASSERT_TRUE(backend.Create({7, version}, 16, Soon()).ok());
  }
  ASSERT_TRUE(files_.Remove("aws-kms-key.7.3").ok());
  ASSERT_TRUE(files_.Remove("aws-kms-key.7.2").ok());
  KeyFileBackend next = MakeBackend();
  ASSERT_TRUE(next.Prepare().ok());
  EXPECT_THAT(*next.List(),
              UnorderedElementsAre(KeyVersion{7, 1}, KeyVersion{7, 3}));
  EXPECT_EQ(next.Fetch({7, 3}, Soon()).status().code(), StatusCode::kNotFound);
}

TEST_F(KeyFileBackendTest, FilesOfEarlierSoftwareAreMarkedWhenTheyAreRead) {
  policy_ = BindPolicy::kOff;
  const auto wrapped = wrapper_.Generate(16, {}, Soon());
  files_.Put("aws-kms-key.1.5", wrapped->blob);
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Prepare().ok());
  ASSERT_TRUE(backend.Fetch({1, 5}, Soon()));
  EXPECT_THAT(files_.Names(),
              UnorderedElementsAre("aws-kms-key.1.5", "aws-kms-key-made.1.5"));
}

TEST_F(KeyFileBackendTest,
       AMarkThatCannotBeMadeKeepsNoKeyFromBeingReadAndIsSaidOnce) {
  policy_ = BindPolicy::kOff;
  for (const KeyVersion key : {KeyVersion{1, 1}, KeyVersion{2, 1}}) {
    files_.Put(KeyFileName(key), wrapper_.Generate(16, {}, Soon())->blob);
  }
  KeyFileBackend backend = MakeBackend();
  files_.FailWith(Status(StatusCode::kDenied, "no right to write"));
  EXPECT_TRUE(backend.Fetch({1, 1}, Soon()));
  EXPECT_TRUE(backend.Fetch({2, 1}, Soon()));
  EXPECT_EQ(log_.lines().size(), 1U);
}

TEST_F(KeyFileBackendTest, AFileThatDoesNotOpenLeavesNoMark) {
  files_.Put("aws-kms-key.1.4294967294", {1, 2, 3});
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Prepare().ok());
  EXPECT_FALSE(backend.Fetch({1, 4294967294}, Soon()));
  EXPECT_THAT(files_.Names(), UnorderedElementsAre("aws-kms-key.1.4294967294"));
}

// ---- Installations ---------------------------------------------------------

TEST_F(KeyFileBackendTest, AnotherServersFileIsRefused) {
  ASSERT_TRUE(MakeBackend().Create({1, 1}, 16, Soon()).ok());
  CrashFileSystem other;
  KeyFileBackend theirs(wrapper_, other, random_, log_,
                        {{}, [] { return BindPolicy::kOn; }});
  ASSERT_TRUE(theirs.Create({1, 1}, 16, Soon()).ok());
  files_.Put("aws-kms-key.1.1", other.Content("aws-kms-key.1.1"));
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Prepare().ok());
  const Status status = backend.Fetch({1, 1}, Soon()).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("belongs to another installation"));
}

TEST_F(KeyFileBackendTest, FilesOfVersion1AreStillRead) {
  const auto context = ContextOf({1, 1}, "");
  const auto wrapped = wrapper_.Generate(16, context, Soon());
  files_.Put("aws-kms-key.1.1", *WriteBoundKeyFile(*wrapped, context));
  policy_ = BindPolicy::kRequired;
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Prepare().ok());
  EXPECT_TRUE(backend.Fetch({1, 1}, Soon()));
}

TEST_F(KeyFileBackendTest, ALostIdIsRestoredFromTheKeyFiles) {
  ASSERT_TRUE(MakeBackend().Create({1, 1}, 16, Soon()).ok());
  const Bytes before = files_.Content("aws-kms-key-installation");
  ASSERT_TRUE(files_.Remove("aws-kms-key-installation").ok());
  KeyFileBackend backend = MakeBackend();
  ASSERT_TRUE(backend.Prepare().ok());
  EXPECT_EQ(files_.Content("aws-kms-key-installation"), before);
  EXPECT_THAT(log_.Text(), HasSubstr("is restored from the key files"));
  EXPECT_TRUE(backend.Fetch({1, 1}, Soon()));
}

TEST_F(KeyFileBackendTest, FilesOfTwoInstallationsWithoutAnIdAreRefused) {
  ASSERT_TRUE(MakeBackend().Create({1, 1}, 16, Soon()).ok());
  ASSERT_TRUE(files_.Remove("aws-kms-key-installation").ok());
  const auto context = ContextOf({2, 1}, "another");
  const auto wrapped = wrapper_.Generate(16, context, Soon());
  files_.Put("aws-kms-key.2.1", *WriteBoundKeyFile(*wrapped, context));
  const Status status = MakeBackend().Prepare();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("different installations"));
}

TEST_F(KeyFileBackendTest, ADamagedIdIsRefusedWithTheFix) {
  files_.Put("aws-kms-key-installation", {1, 2, 3});
  const Status status = MakeBackend().Prepare();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("or remove it"));
}

class KeyDirectoryElsewhereTest : public testing::Test {
 protected:
  KeyFileBackend MakeBackend(const std::string& directory) {
    return KeyFileBackend(
        wrapper_, PosixFileSystem(), random_, log_,
        {{Path(directory)}, [] { return BindPolicy::kOn; }, Path("data")});
  }
  KeyDirectoryElsewhereTest() {
    for (const char* name : {"data", "keys", "wrong"}) {
      std::filesystem::create_directory(Path(name));
    }
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }
  std::string Path(const std::string& name) {
    return root_.path() + "/" + name;
  }

  TemporaryDirectory root_;
  ManualClock clock_;
  FakeKeyWrapper wrapper_;
  FakeRandom random_;
  MemoryLog log_;
};

TEST_F(KeyDirectoryElsewhereTest, AnEmptyOneIsRefusedByTheDataDirectory) {
  ASSERT_TRUE(MakeBackend("keys").Create({1, 1}, 16, Soon()).ok());
  EXPECT_TRUE(MakeBackend("keys").Prepare().ok());
  const Status status = MakeBackend("wrong").Prepare();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("has no key of it"));
}

TEST_F(KeyDirectoryElsewhereTest, AnotherInstallationsIsRefused) {
  ASSERT_TRUE(MakeBackend("keys").Create({1, 1}, 16, Soon()).ok());
  KeyFileBackend theirs(
      wrapper_, PosixFileSystem(), random_, log_,
      {{Path("wrong")}, [] { return BindPolicy::kOn; }, Path("wrong")});
  ASSERT_TRUE(theirs.Create({1, 1}, 16, Soon()).ok());
  const Status status = MakeBackend("wrong").Prepare();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(),
              HasSubstr("the data directory to installation"));
}

TEST_F(KeyDirectoryElsewhereTest, AnIncrementsKeysAreFoundAndNothingIsWritten) {
  ASSERT_TRUE(MakeBackend("keys").Create({1, 1}, 16, Soon()).ok());
  for (const auto& file : std::filesystem::directory_iterator(Path("keys"))) {
    std::filesystem::copy(file, Path("wrong"));
  }
  ASSERT_TRUE(MakeBackend("wrong").Create({5, 1}, 16, Soon()).ok());
  KeyFileBackend backup(wrapper_, PosixFileSystem(), random_, log_,
                        {{Path("keys"), true, Path("wrong")},
                         [] { return BindPolicy::kOn; },
                         Path("keys")});
  ASSERT_TRUE(backup.Prepare().ok());
  EXPECT_THAT(*backup.List(),
              UnorderedElementsAre(KeyVersion{1, 1}, KeyVersion{5, 1}));
  EXPECT_TRUE(backup.Fetch({1, 1}, Soon()));
  EXPECT_TRUE(backup.Fetch({5, 1}, Soon()));
  EXPECT_EQ(backup.Create({6, 1}, 16, Soon()).code(), StatusCode::kReadOnly);
  EXPECT_FALSE(std::filesystem::exists(Path("keys/aws-kms-key.5.1")));
}

TEST_F(KeyDirectoryElsewhereTest, AnIncrementOfAnotherHistoryIsRefused) {
  ASSERT_TRUE(MakeBackend("keys").Create({1, 1}, 16, Soon()).ok());
  KeyFileBackend other(
      wrapper_, PosixFileSystem(), random_, log_,
      {{Path("wrong")}, [] { return BindPolicy::kOff; }, Path("wrong")});
  ASSERT_TRUE(other.Create({1, 1}, 16, Soon()).ok());
  KeyFileBackend backup(wrapper_, PosixFileSystem(), random_, log_,
                        {{Path("keys"), true, Path("wrong")},
                         [] { return BindPolicy::kOn; },
                         Path("keys")});
  const Status status = backup.Prepare();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("differ"));
}

}  // namespace
}  // namespace openkeyring
