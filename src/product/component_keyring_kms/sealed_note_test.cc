// SPDX-License-Identifier: MIT
#include "product/component_keyring_kms/sealed_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SealedNoteTest : public testing::Test {
 protected:
  SealedNoteTest() { directory_.Write("ibdata1", ""); }
  Status MayBeEmpty() {
    return CheckMayBeEmpty(PosixFileSystem(), directory_.path(), "/k/ring");
  }
  Status Note() {
    return NoteSealedFile(PosixFileSystem(), SystemRandom(), directory_.path(),
                          std::nullopt);
  }
  TemporaryDirectory directory_;
};

TEST_F(SealedNoteTest, AnEmptyFileIsRefusedWhereASealedOneWasUsed) {
  EXPECT_TRUE(MayBeEmpty().ok());
  ASSERT_TRUE(Note().ok());
  const Status refused = MayBeEmpty();
  EXPECT_EQ(refused.code(), StatusCode::kCorrupt);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("/k/ring is missing or empty"),
                    HasSubstr(directory_.PathOf(kSealedNote))));
  std::filesystem::remove(directory_.PathOf(kSealedNote));
  EXPECT_TRUE(MayBeEmpty().ok());
}

TEST_F(SealedNoteTest, TheNoteIsWrittenOnce) {
  ASSERT_TRUE(Note().ok());
  EXPECT_EQ(directory_.ReadBack(kSealedNote),
            "openkeyring sealed keyring note 1\n");
  directory_.Write(kSealedNote, "of a later version");
  EXPECT_TRUE(Note().ok());
  EXPECT_EQ(directory_.ReadBack(kSealedNote), "of a later version");
  EXPECT_EQ(MayBeEmpty().code(), StatusCode::kCorrupt);
}

TEST_F(SealedNoteTest, AnEmptyDirectoryIsLeftEmptyForInitialize) {
  std::filesystem::remove(directory_.PathOf("ibdata1"));
  EXPECT_TRUE(Note().ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
  directory_.Write("ibdata1", "");
  EXPECT_TRUE(Note().ok());
  EXPECT_TRUE(std::filesystem::exists(directory_.PathOf(kSealedNote)));
}

TEST_F(SealedNoteTest, AToolWithoutADataDirectoryHasNoNote) {
  EXPECT_TRUE(
      NoteSealedFile(PosixFileSystem(), SystemRandom(), "", std::nullopt).ok());
  EXPECT_TRUE(CheckMayBeEmpty(PosixFileSystem(), "", "/k").ok());
  EXPECT_FALSE(std::filesystem::exists(kSealedNote));
}

TEST_F(SealedNoteTest, ADirectoryThatTakesNoNoteIsAnError) {
  std::filesystem::remove_all(directory_.path());
  EXPECT_FALSE(Note().ok());
}

}  // namespace
}  // namespace openkeyring
