// SPDX-License-Identifier: MIT
// Reading a sealed file without keeping its keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/sealed_file_fixture.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class SealedFileVerifyTest : public SealedFileBackendTest {
 protected:
  SealedFileVerifyTest() { options_.read_only = true; }

  // Not `options_`: that is how the file is made.
  Result<size_t> Verified() { return Make()->store().Verify(Soon()); }
  void MakeFileToRead(const std::vector<std::string>& ids) {
    options_.read_only = false;
    MakeFileWith(ids);
    options_.read_only = true;
  }
  // What Open and Verify say of the same bytes.
  void ExpectTheSameAsLoad(const Bytes& content, const std::string& what) {
    files_.Put(kPath, content);
    const auto loaded = Make()->Load(Soon());
    const Result<size_t> verified = Verified();
    ASSERT_EQ(loaded.status().code(), verified.status().code()) << what;
    EXPECT_EQ(loaded.status().message(), verified.status().message()) << what;
    if (loaded) {
      EXPECT_EQ(loaded->size(), *verified) << what;
    }
  }
  // Records of `ids`, where "-x" removes x, behind the header of a file with
  // this data key.
  Bytes FileOf(const std::vector<std::string>& ids) {
    SealedHeader header;
    header.generation = 1;
    header.slots = {{1, SlotKind::kAwsKms, "k", "arn", {}, Bytes{1}}};
    Bytes content = *WriteSealedHeader(header, data_key_);
    const auto log = *SealedLog::Make(data_key_, header.file_id,
                                      header.generation, SystemRandom());
    for (const std::string& id : ids) {
      const bool removes = id.starts_with('-');
      const Key key = {{removes ? id.substr(1) : id, ""},
                       "AES",
                       Secret::CopyOf(std::string("data"))};
      PutBytes(content, removes ? *log->SealRemove(key) : *log->SealPut(key));
      log->Advance();
      PutBytes(content, *log->Done());
    }
    return content;
  }
  Result<size_t> Verified(const Bytes& content, bool read_only = true) {
    SealedFile file(SystemRandom(), log_, MakeFile(),
                    {read_only, size_t{1} << 20});
    return file.Verify(content, *ReadSealedHeader(content), data_key_.Clone());
  }

  const Secret data_key_{32};
};

TEST_F(SealedFileVerifyTest, CountsTheKeysThatAreLeft) {
  EXPECT_EQ(*Verified(FileOf({})), 0u);
  EXPECT_EQ(*Verified(FileOf({"a", "b", "-a", "c"})), 2u);
  EXPECT_EQ(*Verified(FileOf({"a", "-a", "a"})), 1u);
}

TEST_F(SealedFileVerifyTest, RecordsThatCannotFollowEachOtherAreDamage) {
  for (const std::vector<std::string>& ids :
       {std::vector<std::string>{"a", "a"}, {"-a"}, {"a", "-a", "-a"}}) {
    EXPECT_EQ(Verified(FileOf(ids)).status().code(), StatusCode::kCorrupt);
  }
}

TEST_F(SealedFileVerifyTest, OwnersMakeDifferentKeys) {
  options_.read_only = false;
  {
    auto backend = MakeLoaded();
    ASSERT_TRUE(Store(*backend, "a").ok());
    ASSERT_TRUE(Store(*backend, "a", "data", "u@h").ok());
  }
  options_.read_only = true;
  EXPECT_EQ(*Verified(), 2u);
}

TEST_F(SealedFileVerifyTest, SaysOfEveryCutAndEveryFlippedByteWhatALoadSays) {
  MakeFileToRead({"a", "b"});
  const Bytes good = Content();
  for (size_t i = 0; i < good.size(); ++i) {
    ExpectTheSameAsLoad({good.begin(), good.begin() + static_cast<long>(i)},
                        "cut to " + std::to_string(i));
    Bytes flipped = good;
    flipped[i] ^= 1;
    ExpectTheSameAsLoad(flipped, "byte " + std::to_string(i));
  }
}

TEST_F(SealedFileVerifyTest, ATornEndIsSaidAndStays) {
  MakeFileToRead({"a", "b"});
  EXPECT_EQ(*Verified(), 2u);
  EXPECT_THAT(Warnings(), IsEmpty());
  Bytes torn = Content();
  torn.resize(torn.size() - 21);  // The last record has lost its end.
  files_.Put(kPath, torn);
  const size_t steps = files_.steps();
  EXPECT_EQ(*Verified(), 1u);
  EXPECT_THAT(Warnings(), Contains(AllOf(HasSubstr(kPath),
                                         HasSubstr("incomplete record"))));
  EXPECT_EQ(files_.steps(), steps);
  EXPECT_EQ(Content(), torn);
}

// Its keys would be gone at the next change.
TEST_F(SealedFileVerifyTest, AFileThatMayBeChangedIsNotVerifiedWithoutItsKeys) {
  EXPECT_EQ(Verified(FileOf({"a"}), false).status().code(),
            StatusCode::kInternal);
  MakeFileToRead({"a"});
  const Bytes before = Content();
  options_.read_only = false;
  kms_.SetCurrentKey("alias/new");
  EXPECT_EQ(Verified().status().code(), StatusCode::kInternal);
  EXPECT_EQ(Content(), before);
}

TEST_F(SealedFileVerifyTest, TroubleWithFilesIsNoAnswerAboutKeys) {
  EXPECT_EQ(Verified().status().code(), StatusCode::kMisconfigured);
}

TEST_F(SealedFileVerifyTest, WhatIsReadOnlySaysSoWhetherTheKeyIsThereOrNot) {
  MakeFileToRead({"a"});
  auto backend = MakeLoaded();
  EXPECT_EQ(Store(*backend, "a").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Store(*backend, "b").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Remove(*backend, "a").code(), StatusCode::kReadOnly);
  EXPECT_EQ(Remove(*backend, "b").code(), StatusCode::kReadOnly);
  std::vector<Key> keys;
  keys.push_back({{"b", ""}, "AES", Secret::CopyOf(std::string("data"))});
  EXPECT_EQ(backend->store().PutAll(keys).code(), StatusCode::kReadOnly);
}

}  // namespace
}  // namespace openkeyring
