// SPDX-License-Identifier: MIT
#include "product/encrypted_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The start of page 0 of a tablespace.
std::string Tablespace(bool encrypted) {
  std::string page(16384, '\0');
  page[25] = 8;                            // FSP_HDR
  page[37] = page[41] = 5;                 // Space id, twice.
  page[56] = encrypted ? '\x60' : '\x40';  // FSP_FLAGS, SDI and encryption.
  return page;
}

std::string RedoLog(std::string_view key) {
  std::string header(4096, '\0');
  return header.replace(1072, key.size(), key);
}

const NewKeyring kKeyring = {"keyring file k", "allow_new_keyring",
                             "keyring_aws"};

class EncryptedDataTest : public testing::Test {
 protected:
  EncryptedDataTest() {
    std::filesystem::create_directory(directory_.PathOf("db"));
    std::filesystem::create_directory(directory_.PathOf("#innodb_redo"));
    directory_.Write("mysql.ibd", Tablespace(false));
    directory_.Write("db/plain.ibd", Tablespace(false));
    directory_.Write("#innodb_redo/#ib_redo7", RedoLog(""));
    directory_.Write("binlog.000001",
                     "\xfe"
                     "bin.....");
    directory_.Write("auto.cnf", "");
  }
  std::string Found() {
    return FindEncryptedFile(PosixFileSystem(), directory_.path()).value_or("");
  }
  TemporaryDirectory directory_;
};

TEST_F(EncryptedDataTest, PlainDataNeedNoKey) {
  EXPECT_EQ(Found(), "");
  EXPECT_TRUE(
      CheckNewKeyringFitsData(PosixFileSystem(), directory_.path(), kKeyring)
          .ok());
}

TEST_F(EncryptedDataTest, AMissingDataDirectoryNeedsNoKey) {
  EXPECT_FALSE(
      FindEncryptedFile(PosixFileSystem(), directory_.PathOf("absent")));
}

TEST_F(EncryptedDataTest, AnEncryptedTablespaceIsFoundWhereverItIs) {
  EXPECT_EQ(Found(), "");
  const std::string table = directory_.Write("db/secret.ibd", Tablespace(true));
  EXPECT_EQ(Found(), table);
  std::filesystem::remove(table);
  EXPECT_EQ(Found(), "");
  EXPECT_EQ(Found(), "");
  const std::string undo = directory_.Write("undo_001", Tablespace(true));
  EXPECT_EQ(Found(), undo);
}

TEST_F(EncryptedDataTest, AnEncryptedRedoLogIsFound) {
  const std::string redo =
      directory_.Write("#innodb_redo/#ib_redo8", RedoLog("lCC"));
  EXPECT_EQ(Found(), redo);
}

TEST_F(EncryptedDataTest, AnEncryptedBinaryLogIsFound) {
  const std::string log = directory_.Write("binlog.000002",
                                           "\xfd"
                                           "bin.....");
  EXPECT_EQ(Found(), log);
}

TEST_F(EncryptedDataTest, BytesThatAreNoTablespaceAreNoEvidence) {
  std::string page = Tablespace(true);
  page[37] = 6;  // The two space ids differ.
  directory_.Write("db/other.ibd", page);
  directory_.Write("short.ibd", Tablespace(true).substr(0, 50));
  EXPECT_EQ(Found(), "");
}

TEST_F(EncryptedDataTest, TheRefusalNamesTheFileAndTheWayOut) {
  const std::string table = directory_.Write("db/secret.ibd", Tablespace(true));
  const Status status =
      CheckNewKeyringFitsData(PosixFileSystem(), directory_.path(), kKeyring);
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("no keyring file k"), HasSubstr(table),
                    HasSubstr("allow_new_keyring")));
}

// A command line as the kernel shows it.
bool Copies(std::initializer_list<std::string> arguments) {
  std::string line;
  for (const std::string& one : arguments) line += one + '\0';
  return CopiesKeysInto("keyring_aws", line);
}

TEST(CopiesKeysInto, KnowsTheProgramsThatFillANewKeyring) {
  EXPECT_TRUE(Copies({"/usr/bin/mysql_migrate_keyring", "--x"}));
  EXPECT_TRUE(Copies({"/lib/ld.so", "/usr/bin/mysql_migrate_keyring"}));
  EXPECT_TRUE(
      Copies({"mysqld", "--keyring-migration-destination=keyring_aws.so"}));
  EXPECT_TRUE(
      Copies({"mysqld", "--keyring_migration_destination=/x/keyring_aws.so"}));
  EXPECT_TRUE(
      Copies({"mysqld", "--keyring-migration-destination", "keyring_aws.so"}));
}

TEST(CopiesKeysInto, AServerAndAMigrationElsewhereDoNot) {
  EXPECT_FALSE(Copies({}));
  EXPECT_FALSE(Copies({"mysqld", "--early-plugin-load=keyring_aws.so"}));
  EXPECT_FALSE(Copies({"mysqld", "--keyring-migration-source=keyring_aws.so",
                       "--keyring-migration-destination=other.so"}));
  EXPECT_FALSE(Copies({"mysqld", "--keyring-migration-destination=other.so",
                       "--early-plugin-load=keyring_aws.so"}));
  EXPECT_FALSE(Copies({"mysqld", "--keyring-migration-destination", "other.so",
                       "--early-plugin-load=keyring_aws.so"}));
}

}  // namespace
}  // namespace openkeyring
