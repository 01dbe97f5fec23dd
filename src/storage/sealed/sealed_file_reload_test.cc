// SPDX-License-Identifier: MIT
// Sealed keyring files under another KMS key, and reloads in one process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "testing/sealed_file_fixture.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SealedFileRewrapTest : public SealedFileBackendTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(MakeFileWith({"a", "b"}));
    before_ = Content();
    kms_.SetCurrentKey("alias/new");
    options_.first_load = false;
  }
  Bytes before_;
};

TEST_F(SealedFileRewrapTest, AnotherKmsKeyWrapsTheDataKeyAgain) {
  const SealedHeader old = Header();
  auto backend = MakeLoaded();
  EXPECT_EQ(kms_.calls("Unwrap"), 3) << "creation, load, and the check";
  EXPECT_EQ(kms_.calls("Wrap"), 1);
  const SealedHeader header = Header();
  EXPECT_EQ(header.slots[0].name, "alias/new");
  EXPECT_THAT(header.slots[0].maker, HasSubstr("fake-alias/new"));
  EXPECT_EQ(header.file_id, old.file_id);
  EXPECT_EQ(header.context, old.context);
  EXPECT_EQ(header.generation, old.generation + 1);
  EXPECT_THAT(backend->Describe()[1].second, HasSubstr("alias/new"));
  ASSERT_TRUE(Store(*backend, "c").ok());
  backend.reset();
  files_.Crash();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b", "c"}));
  EXPECT_EQ(kms_.calls("Wrap"), 1) << "once and for all";
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
}

TEST_F(SealedFileRewrapTest, AnotherContextBindsTheDataKeyAgain) {
  kms_.SetCurrentKey("alias/fake");
  options_.encryption_context = {{"team", "db"}};
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Header().context.at("team"), "db");
  options_.encryption_context.clear();
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_FALSE(Header().context.contains("team"));
  EXPECT_EQ(kms_.calls("Wrap"), 2);
}

TEST_F(SealedFileRewrapTest, FailureOfAnyCallLeavesTheFileByteForByte) {
  for (const StatusCode code : kTransient) {
    FailKms("Wrap", {code, "away"});
    EXPECT_EQ(LoadError().code(), code);
    EXPECT_EQ(Content(), before_);
    for (const int failing : {1, 2}) {
      int unwraps = 0;
      kms_.SetHook([&](const std::string& operation) {
        return operation == "Unwrap" && ++unwraps == failing
                   ? Status(code, "away")
                   : Status::Ok();
      });
      EXPECT_EQ(LoadError().code(), code) << failing;
      EXPECT_EQ(Content(), before_);
    }
  }
  kms_.SetHook(nullptr);
  for (const char* step : {"create", "append", "rename"}) {
    files_.FailAt(step, {StatusCode::kUnavailable, "full"});
    EXPECT_EQ(LoadError().code(), StatusCode::kUnavailable);
    EXPECT_EQ(Content(), before_);
  }
  files_.hook = nullptr;
  EXPECT_THAT(files_.Names(), ElementsAre(kPath));
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
}

// A server that starts has no other keyring.
TEST_F(SealedFileRewrapTest, AFailureAtTheStartDoesNotWithholdTheKeyring) {
  options_.first_load = true;
  FailKms("Wrap", {StatusCode::kDenied, "no kms:Encrypt"});
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Content(), before_);
  EXPECT_THAT(Warnings(),
              testing::Contains(AllOf(HasSubstr(kPath), HasSubstr("alias/fake"),
                                      HasSubstr("alias/new"),
                                      HasSubstr("no kms:Encrypt"))));
  kms_.SetHook(nullptr);
  files_.FailAt("rename", {StatusCode::kUnavailable, "full"});
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Content(), before_);
  files_.hook = nullptr;
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Header().slots[0].name, "alias/new") << "it is tried again";
}

TEST_F(SealedFileRewrapTest, AFileThatWasWrittenToMeanwhileIsNotRewrapped) {
  kms_.SetHook([&](const std::string& operation) {
    if (operation == "Wrap") {
      Bytes longer = before_;
      longer.push_back('x');
      files_.Overwrite(kPath, longer);
    }
    return Status::Ok();
  });
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content().size(), before_.size() + 1);
  kms_.SetHook([&](const std::string& operation) {
    if (operation == "Wrap") {
      Bytes other = before_;
      other.back() ^= 1;
      files_.Overwrite(kPath, other);
    }
    return Status::Ok();
  });
  files_.Overwrite(kPath, before_);
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
}

TEST_F(SealedFileRewrapTest, AReloadWithReadOnlyIsRefusedAndNamesBothKeys) {
  options_.read_only = true;
  const Status status = LoadError();
  EXPECT_EQ(status.code(), StatusCode::kReadOnly);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("alias/fake"), HasSubstr("alias/new")));
  EXPECT_EQ(Content(), before_);
}

TEST_F(SealedFileRewrapTest, AStartWithReadOnlyLeavesTheFileAndWarns) {
  options_.read_only = true;
  options_.first_load = true;
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_THAT(Warnings(), testing::Contains(AllOf(
                              HasSubstr("alias/fake"), HasSubstr("alias/new"),
                              HasSubstr("opened read-only"))));
  EXPECT_EQ(Content(), before_);
}

TEST_F(SealedFileRewrapTest, WhoDoesNotHaveTheFileOnlyWarns) {
  auto holder = files_.OpenLocked(kPath);
  ASSERT_TRUE(holder);
  EXPECT_EQ(Loaded(), KeysWith({"a", "b"}));
  EXPECT_EQ(Content(), before_);
  EXPECT_EQ(kms_.calls("Wrap"), 0);
  EXPECT_THAT(Warnings(), testing::Contains(AllOf(HasSubstr("alias/fake"),
                                                  HasSubstr("alias/new"))));
}

TEST_F(SealedFileRewrapTest, AKmsThatWrapsSomethingElseIsNoticed) {
  // Wraps another key than it was given.
  class LyingKms : public FakeKeyWrapper {
   public:
    explicit LyingKms(FakeKeyWrapper& honest) : honest_(honest) {}
    Result<WrappedKey> Wrap(const Secret& key, const EncryptionContext& context,
                            const Deadline& deadline) override {
      return honest_.Wrap(Secret(key.size()), context, deadline);
    }
    Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                                const EncryptionContext& context,
                                const Deadline& deadline) override {
      return honest_.Unwrap(wrapped, context, deadline);
    }

   private:
    FakeKeyWrapper& honest_;
  } kms(kms_);
  kms.SetCurrentKey("alias/new");
  SealedFileBackend backend({kms, files_, SystemRandom(), log_}, MakeFile(),
                            options_);
  EXPECT_EQ(backend.Load(Soon()).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), before_);
}

TEST_F(SealedFileRewrapTest, OfATornFileKeepsAllCompleteRecords) {
  Bytes torn = before_;
  torn.resize(torn.size() - 21);
  files_.Put(kPath, torn);
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
  EXPECT_EQ(Header().slots[0].name, "alias/new");
  EXPECT_EQ(Loaded(), KeysWith({"a"}));
}

// Reloads in one process, which share the KeyringFile.
class SealedFileReloadTest : public SealedFileBackendTest {
 protected:
  void SetUp() override {
    file_ = MakeFile();
    old_ = MakeLoaded(file_);
    ASSERT_TRUE(Store(*old_, "a").ok());
    options_.may_create = false;
    options_.first_load = false;
  }
  // Its error.
  Status FailToReload() { return Make(file_)->Load(Soon()).status(); }

  std::shared_ptr<KeyringFile> file_;
  std::unique_ptr<SealedFileBackend> old_;
};

TEST_F(SealedFileReloadTest, TheNextOneGoesOnWhereTheLastOneStood) {
  for (int i = 0; i < 3; ++i) {
    auto next = MakeLoaded(file_);
    old_ = std::move(next);
    ASSERT_TRUE(Store(*old_, std::to_string(i)).ok());
  }
  EXPECT_THAT(Warnings(), IsEmpty());
  old_.reset();
  file_.reset();
  EXPECT_EQ(Loaded(), KeysWith({"0", "1", "2", "a"}));
}

TEST_F(SealedFileReloadTest, AFailureAtKmsLeavesTheOldOneWriting) {
  FailKms("Unwrap", {StatusCode::kTimeout, "away"});
  EXPECT_EQ(FailToReload().code(), StatusCode::kTimeout);
  EXPECT_TRUE(Store(*old_, "b").ok());
  EXPECT_TRUE(Remove(*old_, "a").ok());
  kms_.SetHook(nullptr);
  EXPECT_EQ(Loaded(), KeysWith({"b"}));
}

TEST_F(SealedFileReloadTest, AFailureWhileRewritingStopsTheOldOneOrNot) {
  kms_.SetCurrentKey("alias/new");
  for (const char* step : {"create", "append", "rename", "sync directory"}) {
    SCOPED_TRACE(step);
    int count = 0;
    files_.hook = [&](const std::string& called) {
      // The load itself syncs the directory once.
      const bool fails =
          called == step && (called != "sync directory" || ++count == 2);
      return fails ? Status(StatusCode::kUnavailable, "planted") : Status::Ok();
    };
    EXPECT_EQ(FailToReload().code(), StatusCode::kUnavailable);
    files_.hook = nullptr;
    const Bytes before = Content();
    const Status status = Store(*old_, step);
    EXPECT_EQ(status.ok(), std::string(step) != "sync directory")
        << status.message();
    if (!status.ok()) {
      EXPECT_EQ(Content(), before);
    }
  }
  EXPECT_EQ(Loaded(), KeysWith({"a", "append", "create", "rename"}));
}

TEST_F(SealedFileReloadTest, ADamagedFileLeavesTheOldOneReadingOnly) {
  Bytes damaged = Content();
  damaged[damaged.size() - 40] ^= 1;
  files_.Overwrite(kPath, damaged);
  EXPECT_EQ(FailToReload().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), damaged);
  // Damage in the middle of what it knows is nothing a writer could notice by
  // a look at the end; it must not make it worse.
  (void)Store(*old_, "b");
  EXPECT_EQ(LoadError().code(), StatusCode::kCorrupt);
}

TEST_F(SealedFileReloadTest, AnotherFileThatDoesNotLoadIsNotWrittenTo) {
  const Bytes good = Content();
  Bytes other = good;
  other[other.size() - 40] ^= 1;
  files_.Put(kPath, other);
  EXPECT_EQ(FailToReload().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Store(*old_, "b").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), other);
  // Now the right one is there again, but the old keyring cannot know.
  files_.Put(kPath, good);
  EXPECT_EQ(Store(*old_, "b").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Content(), good);
  old_ = MakeLoaded(file_);
  EXPECT_TRUE(Store(*old_, "b").ok());
}

TEST_F(SealedFileReloadTest, ARemovedFileIsNeitherMadeNorWrittenTo) {
  const Bytes good = Content();
  ASSERT_TRUE(files_.Remove(kPath).ok());
  EXPECT_EQ(FailToReload().code(), StatusCode::kMisconfigured);
  const Status status = Store(*old_, "b");
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), StatusCode::kNotFound);
  EXPECT_NE(Remove(*old_, "a").code(), StatusCode::kNotFound);
  EXPECT_THAT(files_.Names(), IsEmpty());
  files_.Put(kPath, good);
  old_ = MakeLoaded(file_);
  EXPECT_TRUE(Store(*old_, "b").ok());
}

// Compacted, an older state can be as long as a newer one.
TEST_F(SealedFileReloadTest, AnOlderCopyOfTheSameSizeIsNotWrittenOn) {
  const Bytes older = Content();
  ASSERT_TRUE(Remove(*old_, "a").ok());
  ASSERT_TRUE(Store(*old_, "b").ok());
  files_.FailAt("sync", {StatusCode::kUnavailable, "planted"});
  EXPECT_FALSE(Store(*old_, "c").ok());
  files_.hook = nullptr;
  ASSERT_TRUE(Store(*old_, "c").ok());  // Rewritten.
  ASSERT_TRUE(Remove(*old_, "c").ok());
  for (const bool in_place : {false, true}) {
    Bytes content = older;
    content.resize(Content().size(), 0);
    in_place ? files_.Overwrite(kPath, content) : files_.Put(kPath, content);
    FailKms("Unwrap", {StatusCode::kUnavailable, "away"});
    EXPECT_EQ(FailToReload().code(), StatusCode::kUnavailable);
    kms_.SetHook(nullptr);
    EXPECT_EQ(Store(*old_, "d").code(), StatusCode::kCorrupt);
    EXPECT_EQ(Remove(*old_, in_place ? "a" : "b").code(), StatusCode::kCorrupt);
    EXPECT_EQ(Content(), content);
    old_ = MakeLoaded(file_);
    ASSERT_TRUE(Store(*old_, "n").ok());
    ASSERT_TRUE(Remove(*old_, "n").ok());
  }
}

TEST_F(SealedFileReloadTest, ReadOnlyWritesNotEvenToAFileThatWasLocked) {
  options_.read_only = true;
  auto next = MakeLoaded(file_);
  const Bytes before = Content();
  EXPECT_EQ(Store(*next, "b").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Remove(*next, "a").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Content(), before);
}

// Unless told otherwise, the keyring would say that there is no such key.
TEST_F(SealedFileReloadTest, TroubleWithFilesIsNoAnswerAboutKeys) {
  for (const StatusCode code :
       {StatusCode::kNotFound, StatusCode::kAlreadyExists}) {
    for (const char* step : {"append", "sync", "create", "rename"}) {
      files_.FailAt(step, {code, "planted"});
      EXPECT_EQ(Store(*old_, "b").code(), StatusCode::kUnavailable) << step;
      EXPECT_EQ(Remove(*old_, "a").code(), StatusCode::kUnavailable) << step;
    }
    files_.hook = nullptr;
    kms_.SetCurrentKey("alias/" + std::string(StatusCodeName(code)));
    for (const char* step : {"sync", "sync directory", "create", "rename"}) {
      files_.FailAt(step, {code, "planted"});
      EXPECT_EQ(FailToReload().code(), StatusCode::kUnavailable) << step;
    }
    files_.hook = nullptr;
    old_ = MakeLoaded(file_);
  }
}

}  // namespace
}  // namespace openkeyring
