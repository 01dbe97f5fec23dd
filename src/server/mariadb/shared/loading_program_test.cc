// SPDX-License-Identifier: MIT
#include "server/mariadb/shared/loading_program.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <string>

namespace openkeyring {
namespace {

using Kind = LoadingProgram::Kind;

// Of this program, which has no symbol of MariaDB, under that name.
Kind KindNamed(std::string name) {
  char* const own = program_invocation_short_name;
  program_invocation_short_name = name.data();
  const LoadingProgram program = FindLoadingProgram();
  program_invocation_short_name = own;
  EXPECT_FALSE(program.prepares);
  EXPECT_EQ(program.increment, "");
  return program.kind;
}

TEST(FindLoadingProgram, AServerMayLackItsSymbol) {
  for (const char* name :
       {"mariadbd", "mysqld", "mariadbd-debug", "mysqld-11.8"}) {
    EXPECT_EQ(KindNamed(name), Kind::kServer) << name;
  }
}

TEST(FindLoadingProgram, ABackupProgramMayLackItsSymbols) {
  for (const char* name :
       {"mariadb-backup", "mariabackup", "mariadb-backup-11.8"}) {
    EXPECT_EQ(KindNamed(name), Kind::kBackup) << name;
  }
}

TEST(FindLoadingProgram, NoOtherProgramMakesKeys) {
  EXPECT_FALSE(FindLoadingProgram().is_server()) << "the unit tests";
  for (const char* name : {"mariadb", "mariadb-embedded", "mysql_embedded",
                           "mariadbd_safe", "mysqldump", "mysqld_multi",
                           "mariadb-dump", "mbstream", "xtrabackup", ""}) {
    EXPECT_EQ(KindNamed(name), Kind::kOther) << name;
  }
}

}  // namespace
}  // namespace openkeyring
