// SPDX-License-Identifier: MIT
#include "product/aws_key_management/key_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/crash_file_system.h"
#include "testing/fakes.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

class KeyStoreTest : public testing::Test {
 protected:
  Result<StorePlan> Choose(KeyStore wanted, bool is_server = true) {
    KeyDirectory directory(files_, random_, log_, {});
    return ChooseStore(wanted, is_server, *directory.Look(), directory);
  }
  KeyDirectory Directory() { return {files_, random_, log_, {}}; }
  void Put(const std::string& name) { files_.Put(name, {1}); }
  void ExpectRefused(KeyStore wanted, const std::string& message) {
    const Status status = Choose(wanted).status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_THAT(status.message(), HasSubstr(message));
  }

  CrashFileSystem files_;
  FakeRandom random_;
  MemoryLog log_;
};

TEST_F(KeyStoreTest, ANewDirectoryGetsAKeySetUnlessFilesAreAskedFor) {
  EXPECT_EQ(*Choose(KeyStore::kAuto), StorePlan::kKeySet);
  EXPECT_EQ(*Choose(KeyStore::kSealed), StorePlan::kKeySet);
  EXPECT_EQ(*Choose(KeyStore::kFiles), StorePlan::kFiles);
  Put("aws-kms-key-installation");  // With the first key, or before it.
  EXPECT_EQ(*Choose(KeyStore::kAuto), StorePlan::kKeySet);
}

TEST_F(KeyStoreTest, FilesStayFilesUntilTheKeySetIsAskedFor) {
  Put("aws-kms-key.1.1");
  EXPECT_EQ(*Choose(KeyStore::kAuto), StorePlan::kFiles);
  EXPECT_EQ(*Choose(KeyStore::kFiles), StorePlan::kFiles);
  EXPECT_EQ(*Choose(KeyStore::kSealed), StorePlan::kImport);
  EXPECT_EQ(*Choose(KeyStore::kSealed, false), StorePlan::kFiles);
}

TEST_F(KeyStoreTest, LostFilesAreNotANewDirectory) {
  Put("aws-kms-key-made.1.1");
  EXPECT_EQ(*Choose(KeyStore::kAuto), StorePlan::kFiles);
  EXPECT_EQ(*Choose(KeyStore::kSealed), StorePlan::kImport);
}

TEST_F(KeyStoreTest, AKeySetIsUsedWhateverLiesBesideIt) {
  Put("aws-kms-key-set");
  Put("aws-kms-key.1.1");
  EXPECT_EQ(*Choose(KeyStore::kAuto), StorePlan::kKeySet);
  EXPECT_EQ(*Choose(KeyStore::kSealed), StorePlan::kKeySet);
  EXPECT_EQ(*Choose(KeyStore::kAuto, false), StorePlan::kKeySet);
  ExpectRefused(KeyStore::kFiles, "keyringctl convert");
}

TEST_F(KeyStoreTest, ALostKeySetIsReplacedByNothing) {
  Put("aws-kms-key-set-made");
  for (const char* file : {"aws-kms-key-made.1.1", "aws-kms-key.1.1"}) {
    for (const KeyStore wanted :
         {KeyStore::kAuto, KeyStore::kFiles, KeyStore::kSealed}) {
      ExpectRefused(wanted, "was made and is missing");
    }
    Put(file);
  }
}

// ---- An import that failed -------------------------------------------------

TEST_F(KeyStoreTest, FilesStayInUseOnlyWhileThereIsNoKeySet) {
  const Status failure(StatusCode::kUnavailable, "sync failed");
  Put("aws-kms-key.1.1");
  KeyDirectory names = Directory();
  EXPECT_TRUE(MayGoOnWithFiles(failure, names.Look(), names).ok());
  Put("aws-kms-key-set");
  const Status refused = MayGoOnWithFiles(failure, names.Look(), names);
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_THAT(refused.message(), HasSubstr("sync failed"));
  EXPECT_THAT(refused.message(), HasSubstr("start again"));
}

TEST_F(KeyStoreTest, FilesDoNotStayInUseInADirectoryThatCannotBeRead) {
  KeyDirectory names = Directory();
  const Status denied(StatusCode::kDenied, "no access");
  EXPECT_EQ(
      MayGoOnWithFiles(Status(StatusCode::kUnavailable, "x"), denied, names)
          .code(),
      StatusCode::kDenied);
}

}  // namespace
}  // namespace openkeyring
