// SPDX-License-Identifier: MIT
#include "product/key_access.h"

#include <gtest/gtest.h>

#include "testing/crash_file_system.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"
#include "testing/memory_versioned_backend.h"

namespace openkeyring {
namespace {

class TableReads : public CrashFileSystem {
 public:
  Result<Bytes> ReadStart(const std::string& path, size_t size) override {
    if (path.ends_with(".ibd")) ++count;
    return CrashFileSystem::ReadStart(path, size);
  }
  int count = 0;
};

// Of a table whose pages are all encrypted.
Bytes EncryptedPage() {
  Bytes page = {'s', 0xe, 0xc, 'R', 'E', 't', 1, 16};
  page.resize(page.size() + 16 + 4 + 4);
  page[page.size() - 5] = 2;  // The oldest version of any page.
  page.back() = 1;            // Key id.
  return page;
}

TEST(CreationRule, OnlyTheServerMakesKeys) {
  CrashFileSystem files;
  EXPECT_TRUE(CreationRule({true}, files)(false).ok());
  EXPECT_TRUE(CreationRule({true}, files)(true).ok());
  EXPECT_FALSE(CreationRule({false}, files)(false).ok());
  EXPECT_FALSE(CreationRule({false}, files)(true).ok());
}

TEST(CreationRule, NoFirstKeyIsMadeWhereDataIsEncrypted) {
  CrashFileSystem files;
  files.Put("ib_logfile0", {0xf0, 0x9f, 0x97, 0x9d});
  const auto rule = CreationRule({true, false, "", ""}, files);
  EXPECT_TRUE(rule(false).ok());
  EXPECT_EQ(rule(true).code(), StatusCode::kMisconfigured);
  EXPECT_NE(rule(true).message().find("ib_logfile0 is encrypted"),
            std::string::npos);
}

TEST(CreationRule, NorWhereATableIs) {
  CrashFileSystem files;
  Bytes page = {'s', 0xe, 0xc, 'R', 'E', 't', 1, 16};
  page.resize(page.size() + 16 + 4 + 4);
  page.back() = 1;
  files.Put("plain.ibd", page);
  EXPECT_TRUE(CreationRule({true, false, "", ""}, files)(true).ok());
  page[page.size() - 5] = 2;  // The oldest version of any page.
  files.Put("table.ibd", page);
  const auto rule = CreationRule({true, false, "", ""}, files);
  EXPECT_TRUE(rule(false).ok());
  EXPECT_NE(rule(true).message().find("table.ibd is encrypted"),
            std::string::npos);
}

TEST(CreationRule, TablesAreLookedAtOnceAndNotAtTheStart) {
  TableReads files;
  files.Put("table.ibd", EncryptedPage());
  const CreationRule rule({true, false, "", ""}, files);
  EXPECT_TRUE(rule.CheckStart().ok());
  EXPECT_TRUE(rule(false).ok());
  EXPECT_EQ(files.count, 0);
  const CreationRule copy = rule;
  EXPECT_FALSE(rule(true).ok());
  EXPECT_FALSE(copy(true).ok());
  EXPECT_EQ(files.count, 1);
}

TEST(CreationRule, AnEncryptedLogIsSeenAtTheStart) {
  CrashFileSystem files;
  EXPECT_TRUE(CreationRule({true, false, "", ""}, files).CheckStart().ok());
  files.Put("ib_logfile0", {0xf0, 0x9f, 0x97, 0x9d});
  EXPECT_EQ(CreationRule({true, false, "", ""}, files).CheckStart().code(),
            StatusCode::kMisconfigured);
}

TEST(CreationRule, NoEmptyPlaceBelongsToATableThatIsEncrypted) {
  CrashFileSystem files;
  const CreationRule empty({true, false, "", ""}, files);
  EXPECT_TRUE(empty.CheckNewPlace("group g").ok());
  files.Put("table.ibd", EncryptedPage());
  const Status refused =
      CreationRule({true, false, "", ""}, files).CheckNewPlace("group g");
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  EXPECT_EQ(refused.message().find("group g: table.ibd is encrypted"), 0U)
      << refused.message();
}

TEST(CheckBackup, AnIdOfATableThatHasNoKeyIsRefused) {
  CrashFileSystem files;
  ManualClock clock;
  FakeRandom random;
  MemoryLog log;
  MemoryVersionedBackend backend;
  VersionedKeys keys(backend, clock, random, log,
                     {[] { return size_t{16}; }, [] { return Millis(5000); }});
  Bytes page = {'s', 0xe, 0xc, 'R', 'E', 't', 1, 16};
  page.resize(page.size() + 16 + 4 + 4);
  page.back() = 9;
  files.Put("a.ibd", page);
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  EXPECT_TRUE(CheckBackup({true, true, "", ""}, keys, files).ok());
  EXPECT_TRUE(CheckBackup({false, false, "", ""}, keys, files).ok());
  const Status refused = CheckBackup({false, true, "", ""}, keys, files);
  EXPECT_EQ(refused.code(), StatusCode::kMisconfigured);
  EXPECT_NE(refused.message().find("encrypted with key 9"), std::string::npos);
  backend.Put({9, 1}, "kkkkkkkkkkkkkkkk");
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  EXPECT_TRUE(CheckBackup({false, true, "", ""}, keys, files).ok());
}

}  // namespace
}  // namespace openkeyring
