// SPDX-License-Identifier: MIT
// Making sealed keyring files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "base/encoding.h"
#include "testing/sealed_file_fixture.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SealedFileMakerTest : public SealedFileBackendTest {};

TEST_F(SealedFileMakerTest, CreatesTheFileAtOnceAndBindsItsKey) {
  options_.binding = {{"team", "db"}};
  auto backend = MakeLoaded();
  EXPECT_EQ(kms_.calls("Generate"), 1);
  EXPECT_EQ(kms_.calls("Unwrap"), 1);
  EXPECT_EQ(KmsCalls(), 2);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_EQ(files_.Permissions(kPath), 0640u);
  const SealedHeader header = Header();
  EXPECT_EQ(
      header.binding,
      (EncryptionContext{{"openkeyring:product", "component_keyring_kms"},
                         {"openkeyring:file-id", HexEncode(header.file_id)},
                         {"team", "db"}}));
  EXPECT_EQ(header.kms_key, "alias/fake");
  EXPECT_EQ(header.generation, 1u);
  EXPECT_THAT(
      backend->Describe(),
      ElementsAre(testing::Pair("File_format", "sealed 1"),
                  testing::Pair("Wrapping_key", HasSubstr("fake-alias/fake"))));
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath)) << "it was durable";
}

TEST_F(SealedFileMakerTest, AnEmptyFileBecomesAKeyringAndKeepsItsMode) {
  files_.Put(kPath, {}, 0600);
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "k").ok());
  EXPECT_EQ(files_.Permissions(kPath), 0600u);
  EXPECT_THAT(log_.Text(), HasSubstr("was empty"));
  backend.reset();
  EXPECT_EQ(Loaded(), KeysWith({"k"}));
}

TEST_F(SealedFileMakerTest, UnreachableKmsAtCreationIsThatErrorAndNoFile) {
  for (const bool empty : {false, true}) {
    for (const StatusCode code : kTransient) {
      for (const char* operation : {"Generate", "Unwrap"}) {
        if (empty) files_.Put(kPath, {});
        FailKms(operation, {code, "away"});
        EXPECT_EQ(LoadError().code(), code) << operation;
        EXPECT_THAT(Content(), IsEmpty());
        EXPECT_THAT(files_.Names(), SizeIs(empty ? 1 : 0));
      }
    }
  }
  kms_.SetHook(nullptr);
  EXPECT_THAT(Loaded(), IsEmpty());
}

TEST_F(SealedFileMakerTest, AMissingFileIsNoNewKeyringWhileKeysAreInUse) {
  options_.may_create = false;
  for (const bool empty : {false, true}) {
    if (empty) files_.Put(kPath, {});
    for (const bool read_only : {false, true}) {
      options_.read_only = read_only;
      const Status status = LoadError();
      EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
      EXPECT_THAT(status.message(), HasSubstr("backup"));
    }
    EXPECT_THAT(files_.Names(), SizeIs(empty ? 1 : 0));
    EXPECT_THAT(Content(), IsEmpty());
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileMakerTest, ReadOnlyMakesNoKeyringAndSaysSo) {
  options_.read_only = true;
  for (const bool empty : {false, true}) {
    if (empty) files_.Put(kPath, {});
    auto backend = Make();
    const auto keys = backend->Load(Soon());
    ASSERT_TRUE(keys) << keys.error().message();
    EXPECT_THAT(*keys, IsEmpty());
    EXPECT_THAT(Warnings(), SizeIs(empty ? 2 : 1));
    EXPECT_THAT(Warnings().back(), HasSubstr("read_only"));
    EXPECT_THAT(files_.Names(), SizeIs(empty ? 1 : 0));
    EXPECT_FALSE(Store(*backend, "k").ok());
    EXPECT_THAT(Content(), IsEmpty());
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileMakerTest, AnEmptyFileThatCannotBeWrittenSaysWhy) {
  files_.Put(kPath, {});
  files_.FailAt("open", {StatusCode::kDenied, "no permission"});
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kDenied);
  EXPECT_THAT(status.message(), HasSubstr("no permission"));
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileMakerTest, WhoeverMakesTheFileFirstMakesItForAll) {
  std::unique_ptr<SealedFileBackend> other;
  kms_.SetHook([&](const std::string&) {
    kms_.SetHook(nullptr);
    other = MakeLoaded();
    EXPECT_TRUE(Store(*other, "theirs").ok());
    return Status::Ok();
  });
  EXPECT_EQ(Loaded(), KeysWith({"theirs"}));
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("in use")));
}

TEST_F(SealedFileMakerTest, ADataKeyOfTheWrongSizeIsRefused) {
  class ShortKeys : public FakeKeyWrapper {
   public:
    Result<UnwrappedKey> Unwrap(const WrappedKey&, const EncryptionContext&,
                                const Deadline&) override {
      return UnwrappedKey{Secret(16), ""};
    }
  } kms;
  SealedFileBackend backend({kms, files_, SystemRandom(), log_}, MakeFile(),
                            options_);
  EXPECT_EQ(backend.Load(Soon()).status().code(), StatusCode::kCorrupt);
  EXPECT_THAT(files_.Names(), IsEmpty());
}

TEST_F(SealedFileMakerTest, AnEmptyFileThatSomebodyHasIsNotReadyYet) {
  files_.Put(kPath, {});
  auto holder = files_.OpenLocked(kPath);
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("empty"), HasSubstr("in use")));
  EXPECT_EQ(KmsCalls(), 0);
  holder->reset();
  EXPECT_THAT(Loaded(), IsEmpty());
}

// Of the real file system, which has links and directories.
class SealedFilePosixTest : public SealedFileMakerTest {
 protected:
  Status LoadError(const std::string& path) {
    const FileBackendDependencies world{kms_, PosixFileSystem(), SystemRandom(),
                                        log_};
    SealedFileBackend backend(
        world,
        std::make_shared<KeyringFile>(PosixFileSystem(), SystemRandom(), path,
                                      std::nullopt),
        options_);
    return backend.Load(Soon()).status();
  }
  TemporaryDirectory directory_;
};

TEST_F(SealedFilePosixTest, ALinkThatLeadsNowhereIsNoNewKeyring) {
  ASSERT_EQ(symlink("nowhere", directory_.PathOf("keyring").c_str()), 0);
  for (const bool read_only : {false, true}) {
    options_.read_only = read_only;
    const Status status = LoadError(directory_.PathOf("keyring"));
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_THAT(status.message(), HasSubstr("link"));
  }
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFilePosixTest, AMissingDirectoryIsNoNewKeyring) {
  directory_.Write("file", "");
  for (const char* path : {"missing/keyring", "file/keyring"}) {
    for (const bool read_only : {false, true}) {
      options_.read_only = read_only;
      const Status status = LoadError(directory_.PathOf(path));
      EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << path;
      EXPECT_THAT(status.message(), HasSubstr("directory"));
    }
  }
  EXPECT_EQ(KmsCalls(), 0);
}

}  // namespace
}  // namespace openkeyring
