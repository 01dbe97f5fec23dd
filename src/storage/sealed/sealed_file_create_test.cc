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

class SealedFileCreateTest : public SealedFileBackendTest {};

TEST_F(SealedFileCreateTest, CreatesTheFileAtOnceAndBindsItsKey) {
  options_.encryption_context = {{"team", "db"}};
  auto backend = MakeLoaded();
  EXPECT_EQ(kms_.calls("Generate"), 1);
  EXPECT_EQ(kms_.calls("Unwrap"), 1);
  EXPECT_EQ(KmsCalls(), 2);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_EQ(files_.Permissions(kPath), 0640u);
  const SealedHeader header = Header();
  EXPECT_EQ(
      header.context,
      (EncryptionContext{{"openkeyring:product", "component_keyring_kms"},
                         {"openkeyring:file-id", HexEncode(header.file_id)},
                         {"team", "db"}}));
  EXPECT_EQ(header.slots[0].name, "alias/fake");
  EXPECT_EQ(header.generation, 1u);
  EXPECT_THAT(
      backend->Describe(),
      ElementsAre(testing::Pair("File_format", "sealed 1"),
                  testing::Pair("Wrapping_key", HasSubstr("fake-alias/fake"))));
  files_.Crash();
  EXPECT_THAT(files_.Names(), ElementsAre(kPath)) << "it was durable";
}

// It was a keyring once, or is another program's file.
TEST_F(SealedFileCreateTest, AnEmptyFileIsRefusedAndLeftAlone) {
  files_.Put(kPath, {}, 0600);
  for (const bool may_create : {false, true}) {
    for (const bool read_only : {false, true}) {
      options_.may_create = may_create;
      options_.read_only = read_only;
      const Status status = LoadError();
      EXPECT_EQ(status.code(), StatusCode::kCorrupt);
      EXPECT_THAT(status.message(),
                  AllOf(HasSubstr(kPath), HasSubstr("it is empty"),
                        HasSubstr("restore it from a backup")));
    }
  }
  EXPECT_THAT(Content(), IsEmpty());
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileCreateTest, ANewKeyringIsAWarningWithItsPath) {
  MakeLoaded();
  ASSERT_THAT(log_.lines(), SizeIs(1));
  EXPECT_EQ(log_.lines().front().first, LogLevel::kWarning);
  EXPECT_THAT(log_.Text(),
              HasSubstr("created the new, empty keyring file keyring"));
}

TEST_F(SealedFileCreateTest, UnreachableKmsAtCreationIsThatErrorAndNoFile) {
  for (const StatusCode code : kTransient) {
    for (const char* operation : {"Generate", "Unwrap"}) {
      FailKms(operation, {code, "away"});
      EXPECT_EQ(LoadError().code(), code) << operation;
      EXPECT_THAT(files_.Names(), IsEmpty());
    }
  }
  kms_.SetHook(nullptr);
  EXPECT_THAT(Loaded(), IsEmpty());
}

TEST_F(SealedFileCreateTest, AMissingFileIsNoNewKeyringWhileKeysAreInUse) {
  options_.may_create = false;
  for (const bool read_only : {false, true}) {
    options_.read_only = read_only;
    const Status status = LoadError();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_THAT(status.message(), HasSubstr("backup"));
  }
  EXPECT_THAT(files_.Names(), IsEmpty());
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileCreateTest, ReadOnlyCreatesNoKeyringAndSaysSo) {
  options_.read_only = true;
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_THAT(*keys, IsEmpty());
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("read_only")));
  EXPECT_FALSE(Store(*backend, "k").ok());
  EXPECT_THAT(files_.Names(), IsEmpty());
  EXPECT_EQ(KmsCalls(), 0);
}

TEST_F(SealedFileCreateTest, WhoeverMakesTheFileFirstMakesItForAll) {
  std::unique_ptr<SealedFileBackend> other;
  kms_.SetHook([&](const std::string&) {
    kms_.SetHook(nullptr);
    other = MakeLoaded();
    EXPECT_TRUE(Store(*other, "theirs").ok());
    return Status::Ok();
  });
  EXPECT_EQ(Loaded(), KeysWith({"theirs"}));
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_THAT(Warnings(), testing::Contains(HasSubstr("in use")));
}

TEST_F(SealedFileCreateTest, ADataKeyOfTheWrongSizeIsRefused) {
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

// Of the real file system, which has links and directories.
class SealedFilePosixTest : public SealedFileCreateTest {
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
