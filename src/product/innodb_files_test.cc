// SPDX-License-Identifier: MIT
#include "product/innodb_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/crash_file_system.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

Bytes RedoLog(Bytes format) {
  format.resize(512);
  return format;
}

// The first page of a system tablespace with crypt data somewhere on it.
Bytes Tablespace(uint8_t type, uint8_t oldest_version) {
  Bytes page(16384);
  const Bytes data = {'s', 0xe, 0xc, 'R', 'E', 't', type, 16};
  std::ranges::copy(data, page.begin() + 10000);
  page[10000 + 8 + 16 + 3] = oldest_version;
  page[10000 + 8 + 16 + 4 + 3] = 1;  // Key id.
  return page;
}

TEST(FindEncryptedData, KnowsAnEncryptedRedoLog) {
  CrashFileSystem files;
  EXPECT_EQ(FindEncryptedData(files, ""), "");
  files.Put("ib_logfile0", RedoLog({'P', 'h', 'y', 's'}));
  EXPECT_EQ(FindEncryptedData(files, ""), "");
  for (const Bytes& format :
       {Bytes{'P' | 0x80, 'H', 'Y', 'S'}, Bytes{'P' | 0x80, 'h', 'y', 's'},
        Bytes{0xf0, 0x9f, 0x97, 0x9d}}) {
    files.Put("ib_logfile0", RedoLog(format));
    EXPECT_EQ(FindEncryptedData(files, ""), "ib_logfile0");
  }
}

TEST(FindEncryptedData, KnowsAnEncryptedSystemTablespace) {
  CrashFileSystem files;
  files.Put("ibdata1", Tablespace(1, 0));
  EXPECT_EQ(FindEncryptedData(files, ""), "") << "it has plain pages";
  files.Put("ibdata1", Tablespace(0, 3));
  EXPECT_EQ(FindEncryptedData(files, ""), "") << "it was decrypted";
  files.Put("ibdata1", Tablespace(1, 3));
  EXPECT_EQ(FindEncryptedData(files, ""), "ibdata1");
  Bytes truncated = Tablespace(1, 3);
  truncated.resize(10020);
  files.Put("ibdata1", truncated);
  EXPECT_EQ(FindEncryptedData(files, ""), "");
}

TEST(FindEncryptedTable, LooksIntoEachDatabaseForATableWithoutPlainPages) {
  TemporaryDirectory root;
  const std::string path = root.path();
  FileSystem& files = PosixFileSystem();
  ASSERT_TRUE(files.MakeDirectory(path + "/d", 0700).ok());
  const auto put = [&](const std::string& name, const Bytes& page) {
    ASSERT_TRUE((*files.Create(path + name, 0600))->Append(page).ok());
  };
  put("/d/plain.ibd", Tablespace(1, 0));
  put("/d/decrypted.ibd", Tablespace(0, 0));
  put("/d/other", Tablespace(1, 1));
  EXPECT_EQ(FindEncryptedTable(files, path), "");
  put("/d/secret.ibd", Tablespace(1, 1));
  EXPECT_EQ(FindEncryptedTable(files, path), path + "/d/secret.ibd");
  EXPECT_EQ(FindEncryptedTable(files, path + "/absent"), "");
}

class LongestRead : public CrashFileSystem {
 public:
  Result<Bytes> ReadStart(const std::string& path, size_t size) override {
    longest = std::max(longest, size);
    return CrashFileSystem::ReadStart(path, size);
  }
  size_t longest = 0;
};

TEST(FindEncryptedTable,
     LargePagesAreReadOnlyWhereTheFlagsSayThatTheyAreLarge) {
  const Bytes usual = Tablespace(1, 1);
  Bytes page(65536);
  std::ranges::copy(usual.begin() + 10000, usual.begin() + 10032,
                    page.begin() + 41110);
  const std::pair<uint32_t, bool> all_flags[] = {{0, false},
                                                 {5 << 6, false},
                                                 {0x15, false},  // 16 KiB
                                                 {7 << 6, true},
                                                 {0x17, true}};  // 64 KiB
  for (const auto& [flags, is_large] : all_flags) {
    page[56] = static_cast<uint8_t>(flags >> 8);
    page[57] = static_cast<uint8_t>(flags);
    LongestRead files;
    files.Put("t.ibd", page);
    EXPECT_EQ(FindEncryptedTable(files, ""), is_large ? "t.ibd" : "");
    EXPECT_EQ(files.longest, is_large ? 65536u : 16384u) << flags;
  }
}

TEST(FindKeyIds, ReadsTablespacesAndDeltasOfAllDatabases) {
  TemporaryDirectory root;
  const std::string path = root.path();
  FileSystem& files = PosixFileSystem();
  ASSERT_TRUE(files.MakeDirectory(path + "/d", 0700).ok());
  uint8_t id = 0;
  for (const char* name :
       {"ibdata1", "d/a.ibd", "d/b.ibd.delta", "d/c.frm", "other"}) {
    Bytes page = Tablespace(1, 0);
    page[10000 + 8 + 16 + 4 + 3] = ++id;
    if (id == 3) page.insert(page.begin(), 16384, 0);
    ASSERT_TRUE((*files.Create(path + "/" + name, 0600))->Append(page).ok());
  }
  EXPECT_THAT(FindKeyIds(files, path), testing::ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace openkeyring
