// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/key_rewrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/keyring_aws/encrypted_keyring.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/spy_file_system.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kPath[] = "keyring_aws_data";

// A KMS that answers the second re-encryption with what `spoil` makes of it.
class SpoilingKms : public FakeKeyWrapper {
 public:
  std::function<void(WrappedKey&)> spoil;

  Result<WrappedKey> Rewrap(const WrappedKey& wrapped,
                            const EncryptionContext& context,
                            const Deadline& deadline) override {
    Result<WrappedKey> answer =
        FakeKeyWrapper::Rewrap(wrapped, context, deadline);
    if (answer && spoil && ++rewraps_ == 2) spoil(*answer);
    return answer;
  }

 private:
  int rewraps_ = 0;
};

class KeyRewrapTest : public testing::Test {
 protected:
  KeyRewrapTest() {
    const auto keyring = Open();
    for (const char* id : {"a", "b", "c"}) {
      EXPECT_TRUE(
          keyring->Store(kms_, {{id, ""}, "SECRET", Secret::CopyOf(id)}, Soon())
              .ok());
    }
  }
  std::unique_ptr<EncryptedKeyring> Open() {
    return std::move(
        *EncryptedKeyring::Open(std::make_unique<AwsDataFile>(
                                    files_, random_, log_, kPath, std::nullopt),
                                SystemClock(), random_, {false, 1}));
  }
  Deadline Soon() const {
    return Deadline::After(SystemClock(), Millis(20000));
  }
  // What the file holds opens as what was stored.
  void ExpectAllKeys() {
    const auto keyring = Open();
    EXPECT_EQ(keyring->size(), 3u);
    for (const KeyName& name : keyring->List()) {
      const auto key = keyring->Fetch(kms_, name, Soon());
      ASSERT_TRUE(key) << key.error().message();
      EXPECT_EQ((*key)->data.RevealText(), name.data_id);
    }
  }
  std::vector<std::string> CopiesOfTheOldFile() {
    std::vector<std::string> names;
    for (const std::string& name : files_.Names()) {
      if (name.starts_with(std::string(kPath) + ".rewrapped-")) {
        names.push_back(name);
      }
    }
    return names;
  }

  SpyFileSystem files_;
  FakeRandom random_;
  MemoryLog log_;
  SpoilingKms kms_;
};

TEST_F(KeyRewrapTest, AnAnswerThatDoesNotOpenReplacesNothing) {
  const Bytes before = files_.Content(kPath);
  kms_.spoil = [](WrappedKey& answer) { answer.blob[50] ^= 1; };
  const Status status = Open()->RotateKeys(kms_, Soon());
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(),
              HasSubstr("does not open what it has just re-encrypted"));
  EXPECT_EQ(files_.Content(kPath), before);
  ExpectAllKeys();
}

// Right in every respect, but of an earlier life of the name.
TEST_F(KeyRewrapTest, AnAnswerThatOpensAsAnotherKeyReplacesNothing) {
  const FileId file_id = DecodeAwsDataFile(files_.Content(kPath))->file_id;
  const WrappedKey earlier =
      *kms_.Wrap(Secret::CopyOf("earlier"),
                 AwsKeyContext(file_id, {"b", ""}, "SECRET"), Soon());
  const Bytes before = files_.Content(kPath);
  kms_.spoil = [&](WrappedKey& answer) { answer = earlier; };
  const Status status = Open()->RotateKeys(kms_, Soon());
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("opens as another key"), HasSubstr("key \"b\"")));
  EXPECT_EQ(files_.Content(kPath), before);
  ExpectAllKeys();
}

TEST_F(KeyRewrapTest, AsksTwiceAKeyAndAThirdTimeForOneItHasNotOpened) {
  const auto keyring = Open();
  const auto unwraps = [&] {  // Those that the fake's own Rewrap makes apart.
    const int before = kms_.calls("Unwrap");
    EXPECT_TRUE(keyring->RotateKeys(kms_, Soon()).ok());
    return kms_.calls("Unwrap") - before - 3;
  };
  EXPECT_EQ(unwraps(), 6);
  EXPECT_EQ(unwraps(), 3);
}

TEST_F(KeyRewrapTest, ACopyOfTheOldFileStaysUntilTheNewOneWasReadBack) {
  const auto keyring = Open();
  const Bytes old = files_.Content(kPath);
  int read_back_with_copy = 0;
  files_.hook = [&](const std::string& step) {
    if (step == "read back" && files_.Content(kPath) != old) {
      const auto copies = CopiesOfTheOldFile();
      EXPECT_EQ(copies.size(), 1u);
      if (copies.size() == 1) {
        EXPECT_EQ(files_.Content(copies[0]), old);
        ++read_back_with_copy;
      }
    }
    return Status::Ok();
  };
  ASSERT_TRUE(keyring->RotateKeys(kms_, Soon()).ok());
  EXPECT_EQ(read_back_with_copy, 1);
  EXPECT_TRUE(CopiesOfTheOldFile().empty());
}

TEST_F(KeyRewrapTest, ANewFileThatReadsBackWrongLeavesTheCopy) {
  const auto keyring = Open();
  const Bytes old = files_.Content(kPath);
  files_.hook = [&](const std::string& step) {
    files_.lies_on_read_back =
        step == "read back" && files_.Content(kPath) != old;
    return Status::Ok();
  };
  const Status status = keyring->RotateKeys(kms_, Soon());
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  const auto copies = CopiesOfTheOldFile();
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_THAT(status.message(), HasSubstr(copies[0]));
  EXPECT_EQ(files_.Content(copies[0]), old);
}

TEST_F(KeyRewrapTest, WithoutACopyOfTheOldFileNothingIsReplaced) {
  const auto keyring = Open();
  const Bytes before = files_.Content(kPath);
  files_.FailAt("create", {StatusCode::kUnavailable, "no space"});
  const Status status = keyring->RotateKeys(kms_, Soon());
  EXPECT_THAT(status.message(), HasSubstr("cannot keep a copy"));
  files_.hook = nullptr;
  EXPECT_EQ(files_.Content(kPath), before);
  EXPECT_EQ(files_.Names().size(), 1u);
}

// The copy holds what the file holds: no wider audience than it.
TEST_F(KeyRewrapTest, TheCopyHasTheModeOfTheFile) {
  files_.Put(kPath, files_.Content(kPath), 0600);
  const auto keyring = Open();
  mode_t mode = 0;
  files_.hook = [&](const std::string& step) {
    const auto copies = CopiesOfTheOldFile();
    if (step == "read back" && !copies.empty()) {
      mode = files_.Stat(copies[0])->permissions;
    }
    return Status::Ok();
  };
  ASSERT_TRUE(keyring->RotateKeys(kms_, Soon()).ok());
  EXPECT_EQ(mode, 0600u);
}

}  // namespace
}  // namespace openkeyring
