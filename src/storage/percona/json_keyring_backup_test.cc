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

BackupFate FateOf(const JsonImage& main, const JsonImage& backup) {
  const auto fate = JudgeBackup(main, backup);
  EXPECT_TRUE(fate) << fate.error().message();
  return fate.value_or(BackupFate::kNone);
}

StatusCode ErrorOf(const JsonImage& main, const JsonImage& backup) {
  return JudgeBackup(main, backup).status().code();
}

TEST(JsonKeyringBackupTest, ImagesAreToldApart) {
  EXPECT_EQ(Missing().state, State::kMissing);
  EXPECT_EQ(Empty().state, State::kEmpty);
  EXPECT_EQ(Torn().state, State::kDamaged);
  EXPECT_EQ(Valid("a").state, State::kValid);
}

TEST(JsonKeyringBackupTest, WithoutABackupTheFileCounts) {
  EXPECT_EQ(FateOf(Missing(), Missing()), BackupFate::kNone);
  EXPECT_EQ(FateOf(Empty(), Missing()), BackupFate::kNone);
  EXPECT_EQ(FateOf(Valid("a"), Missing()), BackupFate::kNone);
  EXPECT_EQ(ErrorOf(Torn(), Missing()), StatusCode::kCorrupt);
}

TEST(JsonKeyringBackupTest, EmptyBackupIsNoBackup) {
  EXPECT_EQ(FateOf(Missing(), Empty()), BackupFate::kRemove);
  EXPECT_EQ(FateOf(Valid("a"), Empty()), BackupFate::kRemove);
  EXPECT_EQ(ErrorOf(Torn(), Empty()), StatusCode::kCorrupt);
}

TEST(JsonKeyringBackupTest, WholeBackupStandsInForAFileThatIsNotWhole) {
  EXPECT_EQ(FateOf(Missing(), Valid("a")), BackupFate::kRestore);
  EXPECT_EQ(FateOf(Empty(), Valid("a")), BackupFate::kRestore);
  EXPECT_EQ(FateOf(Torn(), Valid("a")), BackupFate::kRestore);
}

TEST(JsonKeyringBackupTest, BackupWithMoreIsNewer) {
  EXPECT_EQ(FateOf(Valid("ab"), Valid("bca")), BackupFate::kRestore);
  EXPECT_EQ(FateOf(Valid(""), Valid("a")), BackupFate::kRestore);
}

TEST(JsonKeyringBackupTest, EqualBackupIsNotNeeded) {
  EXPECT_EQ(FateOf(Valid("ab"), Valid("ba")), BackupFate::kRemove);
}

TEST(JsonKeyringBackupTest, BackupThatLacksOrChangesKeysIsKeptAside) {
  EXPECT_EQ(FateOf(Valid("ab"), Valid("a")), BackupFate::kSetAside);
  EXPECT_EQ(FateOf(Valid("ab"), Valid("acd")), BackupFate::kSetAside);
  EXPECT_EQ(FateOf(Valid("ab"), Valid("aBc")), BackupFate::kSetAside);
  EXPECT_EQ(FateOf(Valid("ab"), Torn()), BackupFate::kSetAside);
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
