// SPDX-License-Identifier: MIT
#include "storage/percona/json_keyring_backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/crash_file_system.h"

namespace openkeyring {
namespace {

using State = JsonImage::State;

// A file with a key for each letter; a capital has another blob.
Bytes FileOf(std::string_view letters) {
  JsonKeyring keyring;
  for (const char c : letters) {
    const bool capital = c < 'a';
    const char name = capital ? static_cast<char>(c - 'A' + 'a') : c;
    EXPECT_TRUE(keyring
                    .Add({std::string(1, name), ""}, "AES",
                         {{1, static_cast<uint8_t>(capital ? 9 : 2)}, ""})
                    .ok());
  }
  return *keyring.Write();
}

JsonImage Image(std::optional<Bytes> content) {
  CrashFileSystem files;
  if (content) files.Put("f", *content);
  return *ReadJsonImage(files, "f");
}
JsonImage Missing() { return Image(std::nullopt); }
JsonImage Empty() { return Image(Bytes()); }
JsonImage Torn() { return Image(Bytes{'{', '"'}); }
JsonImage Valid(std::string_view letters) { return Image(FileOf(letters)); }

BackupAction ActionFor(const JsonImage& main, const JsonImage& backup) {
  const auto action = DecideOnBackup(main, backup);
  EXPECT_TRUE(action) << action.error().message();
  return action.value_or(BackupAction::kNothing);
}

StatusCode ErrorOf(const JsonImage& main, const JsonImage& backup) {
  return DecideOnBackup(main, backup).status().code();
}

TEST(JsonKeyringBackupTest, ImagesAreToldApart) {
  EXPECT_EQ(Missing().state, State::kMissing);
  EXPECT_EQ(Empty().state, State::kEmpty);
  EXPECT_EQ(Torn().state, State::kDamaged);
  EXPECT_EQ(Valid("a").state, State::kValid);
}

TEST(JsonKeyringBackupTest, WithoutABackupTheFileCounts) {
  EXPECT_EQ(ActionFor(Missing(), Missing()), BackupAction::kNothing);
  EXPECT_EQ(ActionFor(Empty(), Missing()), BackupAction::kNothing);
  EXPECT_EQ(ActionFor(Valid("a"), Missing()), BackupAction::kNothing);
  EXPECT_EQ(ErrorOf(Torn(), Missing()), StatusCode::kCorrupt);
}

// A power cut can empty both files of a keyring that had keys.
TEST(JsonKeyringBackupTest, EmptyBackupIsNoBackupOfACompleteFileOnly) {
  EXPECT_EQ(ErrorOf(Missing(), Empty()), StatusCode::kCorrupt);
  EXPECT_EQ(ErrorOf(Empty(), Empty()), StatusCode::kCorrupt);
  EXPECT_EQ(ActionFor(Valid("a"), Empty()), BackupAction::kRemove);
  EXPECT_EQ(ErrorOf(Torn(), Empty()), StatusCode::kCorrupt);
}

TEST(JsonKeyringBackupTest, WholeBackupStandsInForAFileThatIsNotWhole) {
  EXPECT_EQ(ActionFor(Missing(), Valid("a")), BackupAction::kRestore);
  EXPECT_EQ(ActionFor(Empty(), Valid("a")), BackupAction::kRestore);
  EXPECT_EQ(ActionFor(Torn(), Valid("a")), BackupAction::kRestore);
}

TEST(JsonKeyringBackupTest, BackupWithMoreIsNewer) {
  EXPECT_EQ(ActionFor(Valid("ab"), Valid("bca")), BackupAction::kRestore);
  EXPECT_EQ(ActionFor(Valid(""), Valid("a")), BackupAction::kRestore);
}

TEST(JsonKeyringBackupTest, EqualBackupIsNotNeeded) {
  EXPECT_EQ(ActionFor(Valid("ab"), Valid("ba")), BackupAction::kRemove);
}

TEST(JsonKeyringBackupTest, BackupThatLacksOrChangesKeysIsKeptAside) {
  EXPECT_EQ(ActionFor(Valid("ab"), Valid("a")), BackupAction::kSetAside);
  EXPECT_EQ(ActionFor(Valid("ab"), Valid("acd")), BackupAction::kSetAside);
  EXPECT_EQ(ActionFor(Valid("ab"), Valid("aBc")), BackupAction::kSetAside);
  EXPECT_EQ(ActionFor(Valid("ab"), Torn()), BackupAction::kSetAside);
}

TEST(JsonKeyringBackupTest, TornBackupOfNothingIsRefusedSinceKeysMayBeLost) {
  for (const JsonImage& main : {Missing(), Empty(), Torn()}) {
    EXPECT_EQ(ErrorOf(main, Torn()), StatusCode::kCorrupt);
  }
}

TEST(JsonKeyringBackupTest, FileOfAnUnknownVersionIsAnErrorAndNotDamage) {
  CrashFileSystem files;
  const std::string_view text = R"({"version":"2.0","elements":[]})";
  files.Put("f", Bytes(text.begin(), text.end()));
  EXPECT_EQ(ReadJsonImage(files, "f").status().code(),
            StatusCode::kMisconfigured);
}

}  // namespace
}  // namespace openkeyring
