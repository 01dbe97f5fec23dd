// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_file_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "testing/sealed_file_fixture.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST_F(SealedFileBackendTest, KeepsKeysAcrossLoads) {
  {
    auto backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "a").ok());
    ASSERT_TRUE(Store(*backend, "a", "other data", "u@h").ok());
    ASSERT_TRUE(Store(*backend, "empty", "").ok());
    ASSERT_TRUE(Store(*backend, "b").ok());
    ASSERT_TRUE(Remove(*backend, "b").ok());
    ASSERT_TRUE(backend
                    ->Store({{"big", ""},
                             "SECRET",
                             Secret::CopyOf(std::string(kMaxKeyBytes, 'x'))},
                            Soon())
                    .ok());
  }
  const Keys keys = {{{"a", ""}, "AES:data"},
                     {{"a", "u@h"}, "AES:other data"},
                     {{"big", ""}, "SECRET:" + std::string(kMaxKeyBytes, 'x')},
                     {{"empty", ""}, "AES:"}};
  EXPECT_EQ(Loaded(), keys);
  files_.Crash();
  EXPECT_EQ(Loaded(), keys) << "after a power cut";
  EXPECT_THAT(Warnings(), IsEmpty());
}

TEST_F(SealedFileBackendTest, OneKmsCallOpensAThousandKeysAndNoneStoresOne) {
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back("key " + std::to_string(i));
  MakeFileWith(ids);
  EXPECT_EQ(KmsCalls(), 2) << "those of the creation";
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith(ids));
  EXPECT_EQ(kms_.calls("Unwrap"), 2);
  ASSERT_TRUE(Store(*backend, "n").ok());
  ASSERT_TRUE(Remove(*backend, "n").ok());
  EXPECT_EQ(KmsCalls(), 3);
}

TEST_F(SealedFileBackendTest, NoKeyStandsInTheFileInTheClear) {
  auto backend = MakeLoaded();
  ASSERT_TRUE(Store(*backend, "k", "a very secret key").ok());
  const std::string content(AsText(Content()));
  EXPECT_THAT(content, HasSubstr("AES"));
  EXPECT_THAT(content, Not(HasSubstr("secret")));
}

TEST_F(SealedFileBackendTest, UnreachableKmsAtLoadIsThatErrorNeverNoKeys) {
  MakeFileWith({"k"});
  const Bytes before = Content();
  for (const StatusCode code :
       {StatusCode::kUnavailable, StatusCode::kTimeout, StatusCode::kDenied,
        StatusCode::kMisconfigured, StatusCode::kCorrupt}) {
    FailKms("Unwrap", {code, "why"});
    const Status status = LoadError();
    EXPECT_EQ(status.code(), code);
    EXPECT_THAT(status.message(), AllOf(HasSubstr(kPath), HasSubstr("why")));
  }
  EXPECT_EQ(Content(), before);
  kms_.SetHook(nullptr);
  EXPECT_EQ(Loaded(), KeysWith({"k"}));
}

TEST_F(SealedFileBackendTest, ReadOnlyTouchesNothingAndTakesNoLock) {
  MakeFileWith({"a", "b"});
  Bytes torn = Content();
  torn.resize(torn.size() - 21);  // The last record has lost its end.
  files_.Put(kPath, torn);
  const size_t steps = files_.steps();
  options_.read_only = true;
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  EXPECT_EQ(files_.steps(), steps);
  EXPECT_EQ(Content(), torn);
  EXPECT_TRUE(files_.OpenLocked(kPath)) << "nobody else is kept out";
}

TEST_F(SealedFileBackendTest, AnotherDataKeyThanTheFilesIsNoticed) {
  MakeFileWith({"k"});
  const Bytes before = Content();
  class LyingKms : public FakeKeyWrapper {
   public:
    Result<UnwrappedKey> Unwrap(const WrappedKey&, const EncryptionContext&,
                                const Deadline&) override {
      return UnwrappedKey{Secret(kDataKeyBytes), ""};
    }
  } kms;
  SealedFileBackend backend({kms, files_, SystemRandom(), log_}, MakeFile(),
                            options_);
  EXPECT_EQ(backend.Load(Soon()).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), before);
}

// Without records nothing but its MAC can show that a header was changed.
TEST_F(SealedFileBackendTest, AForgedHeaderOfAnEmptyKeyringIsRefused) {
  MakeFileWith({});
  SealedHeader header = Header();
  ASSERT_EQ(header.generation, 1u);
  header.generation = 2;
  const Bytes content = *WriteSealedHeader(header, Secret(kDataKeyBytes));
  files_.Put(kPath, content);
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), content);
}

TEST_F(SealedFileBackendTest, EveryFlippedBitOfAFileIsRefusedOrHarmless) {
  MakeFileWith({"a", "b"});
  const Bytes content = Content();
  const size_t last_done = content.size() - 20;
  for (size_t bit = 0; bit < 8 * content.size(); bit += 3) {
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    files_.Put(kPath, changed);
    const auto keys = Make()->Load(Soon());
    if (bit / 8 >= last_done) {
      ASSERT_TRUE(keys);
      EXPECT_EQ(TextsOf(*keys), KeysWith({"a", "b"}));
      continue;
    }
    ASSERT_FALSE(keys) << "bit " << bit;
    EXPECT_EQ(keys.error().code(), StatusCode::kCorrupt) << "bit " << bit;
    EXPECT_EQ(Content(), changed) << "and it was left as it is";
  }
}

TEST_F(SealedFileBackendTest, HeaderAndRecordsOfTwoFilesGiveNoKey) {
  MakeFileWith({"a", "b"});
  const Bytes one = Content();
  const size_t size = ReadSealedHeader(one)->size;
  ASSERT_TRUE(files_.Remove(kPath).ok());
  MakeFileWith({"a", "b"});
  Bytes mixed = Content();
  ASSERT_EQ(ReadSealedHeader(mixed)->size, size);
  std::copy(one.begin(), one.begin() + size, mixed.begin());
  files_.Put(kPath, mixed);
  options_.read_only = true;
  const auto keys = Make()->Load(Soon());
  EXPECT_TRUE(!keys || keys->empty());
}

TEST_F(SealedFileBackendTest, AnOlderHeaderBeforeNewerRecordsIsRefused) {
  MakeFileWith({"a", "b"});
  const Bytes one = Content();
  kms_.SetCurrentKey("alias/new");  // Rewritten: the next generation.
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  kms_.SetCurrentKey("alias/fake");
  Bytes mixed = Content();
  ASSERT_EQ(Header().generation, 2u);
  const ReadHeader header = *ReadSealedHeader(one);
  mixed.erase(mixed.begin(), mixed.begin() + ReadSealedHeader(mixed)->size);
  mixed.insert(mixed.begin(), one.begin(), one.begin() + header.size);
  files_.Put(kPath, mixed);
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
}

TEST_F(SealedFileBackendTest, AFileBoundToSomethingElseIsNotAskedForAtKms) {
  MakeFileWith({});
  SealedHeader header = Header();
  const std::string id = HexEncode(header.file_id);
  for (const EncryptionContext& context :
       {EncryptionContext{},
        EncryptionContext{{"openkeyring:product", "component_keyring_kms"}},
        EncryptionContext{{"openkeyring:product", "aws_key_management"},
                          {"openkeyring:file-id", id}},
        EncryptionContext{{"openkeyring:product", "component_keyring_kms"},
                          {"openkeyring:file-id", "00"}}}) {
    header.context = context;
    files_.Put(kPath, *WriteSealedHeader(header, Secret(kDataKeyBytes)));
    const int calls = KmsCalls();
    EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
    EXPECT_EQ(KmsCalls(), calls);
  }
}

class SealedFileTornTest : public SealedFileBackendTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a", "b"}));
    whole_ = Content();
    record_ = SealedLog::RecordSize({{"b", ""}, "AES", Secret(4)});
  }
  // Without the last `bytes`.
  void Cut(size_t bytes) {
    files_.Put(kPath, Bytes(whole_.begin(), whole_.end() - bytes), 0600);
  }
  Bytes whole_;
  size_t record_ = 0;  // The size of the last one, with its mark.
};

TEST_F(SealedFileTornTest, TheEndIsPutAsideAndTheLogGoesOn) {
  for (size_t bytes = 21; bytes < record_; bytes += 9) {
    SCOPED_TRACE(bytes);
    for (const std::string& name : files_.Names()) {
      ASSERT_TRUE(files_.Remove(name).ok());
    }
    Cut(bytes);
    auto backend = MakeLoaded();
    EXPECT_EQ(Content(), Bytes(whole_.begin(), whole_.end() - record_));
    ASSERT_THAT(files_.Names(),
                ElementsAre(kPath, StartsWith("keyring.torn-")));
    const std::string aside = files_.Names()[1];
    EXPECT_EQ(files_.Content(aside),
              Bytes(whole_.end() - record_, whole_.end() - bytes));
    EXPECT_THAT(Warnings().back(), HasSubstr(aside));
    ASSERT_TRUE(Store(*backend, "b").ok());
    backend.reset();
    files_.Crash();
    EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
    EXPECT_THAT(files_.Names(), SizeIs(2)) << "only once";
  }
}

TEST_F(SealedFileTornTest, WithoutTheLockTheEndIsOnlyLeftOut) {
  Cut(25);
  const Bytes torn = Content();
  auto holder = files_.OpenLocked(kPath);
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_EQ(Content(), torn);
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
}

TEST_F(SealedFileTornTest, NothingIsCutThatIsNotSafelyAside) {
  Cut(25);
  const Bytes torn = Content();
  for (const char* step : {"create", "append", "sync", "rename",
                           "sync directory", "truncate", "lie"}) {
    SCOPED_TRACE(step);
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    files_.lies_on_read_back = std::string(step) == "lie";
    auto backend = Make();
    const auto keys = backend->Load(Soon());
    files_.hook = nullptr;
    files_.lies_on_read_back = false;
    ASSERT_TRUE(keys) << keys.error().message();
    EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
    EXPECT_EQ(Content(), torn);
    const Status status = Store(*backend, "b");
    EXPECT_EQ(status.code(), std::string(step) == "lie"
                                 ? StatusCode::kCorrupt
                                 : StatusCode::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("torn by a crash"));
    EXPECT_EQ(Content(), torn);
  }
  auto backend = MakeLoaded();
  EXPECT_TRUE(Store(*backend, "b").ok());
}

TEST_F(SealedFileTornTest, AFileThatCannotBeMadeDurableIsNotLoaded) {
  for (const char* step : {"sync", "sync directory"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "planted"});
    EXPECT_EQ(LoadError().code(), StatusCode::kUnavailable) << step;
  }
  files_.hook = nullptr;
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
}

TEST_F(SealedFileBackendTest, TheSecondOneReadsWarnsAndWritesNothing) {
  auto first = MakeLoaded();
  ASSERT_TRUE(Store(*first, "a").ok());
  const auto second_file = MakeFile();
  auto second = Make(second_file);
  const auto keys = second->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("in use")));
  const Bytes before = Content();
  for (const Status& status : {Store(*second, "b"), Remove(*second, "a")}) {
    EXPECT_EQ(status.code(), StatusCode::kReadOnly);
    EXPECT_THAT(status.message(), HasSubstr("in use"));
  }
  EXPECT_EQ(Content(), before);
  ASSERT_TRUE(Store(*first, "c").ok());
  first.reset();
  EXPECT_FALSE(Store(*second, "b").ok()) << "it has not read c";
  second = MakeLoaded(second_file);
  ASSERT_TRUE(Store(*second, "b").ok());
  second.reset();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b", "c"}));
}

TEST_F(SealedFileBackendTest, TheSecondOneIsToldTheHoldersPid) {
  TemporaryDirectory directory;
  const std::string path = directory.PathOf("keyring");
  const FileBackendDependencies world{kms_, PosixFileSystem(), SystemRandom(),
                                      log_};
  const auto make = [&] {
    return SealedFileBackend(
        world,
        std::make_shared<KeyringFile>(PosixFileSystem(), SystemRandom(), path,
                                      std::nullopt),
        options_);
  };
  auto first = make(), second = make();
  ASSERT_TRUE(first.Load(Soon()));
  ASSERT_TRUE(Store(first, "a").ok());
  const auto keys = second.Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  const std::string holder = "process " + std::to_string(getpid());
  EXPECT_THAT(Warnings(), ElementsAre(HasSubstr(holder)));
  EXPECT_THAT(Store(second, "b").message(), HasSubstr(holder));
}

TEST_F(SealedFileBackendTest, WhatACrashLeftUnfinishedIsRemoved) {
  MakeFileWith({"a"});
  const std::string left = ".keyring.0123456789abcdef.tmp";
  const std::string other = ".keyring2.0123456789abcdef.tmp";
  const std::string torn =
      ".keyring.torn-0123456789abcdef.0123456789abcdef.tmp";
  for (const std::string& name : {left, other, torn}) files_.Put(name, {1});
  options_.read_only = true;
  (void)Loaded();
  EXPECT_THAT(files_.Names(), SizeIs(4));
  options_.read_only = false;
  {
    auto holder = files_.OpenLocked(left);
    (void)Loaded();
    EXPECT_THAT(files_.Names(), testing::Contains(left)) << "in use";
  }
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_THAT(files_.Names(), ElementsAre(other, kPath));
  EXPECT_THAT(log_.Text(), HasSubstr(left));
}

// Somebody moved the file away and put another there, just then.
TEST_F(SealedFileTornTest, AnotherFileThanTheOneThatWasReadIsNotCut) {
  files_.hook = [&](const std::string& step) {
    if (step != "read") return Status::Ok();
    files_.hook = nullptr;
    EXPECT_TRUE(files_.Rename(kPath, "moved").ok());
    Cut(25);
    return Status::Ok();
  };
  auto backend = Make();
  const auto keys = backend->Load(Soon());
  ASSERT_TRUE(keys);
  EXPECT_EQ(TextsOf(*keys), KeysWith({"a"}));
  EXPECT_EQ(files_.Content("moved"), whole_);
  EXPECT_FALSE(Store(*backend, "c").ok());
  EXPECT_EQ(files_.Content("moved"), whole_);
}

}  // namespace
}  // namespace openkeyring
