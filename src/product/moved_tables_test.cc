// SPDX-License-Identifier: MIT
#include "product/moved_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

TEST(MoveNewTablesBack, MovesWhatIsNewAndNothingElse) {
  TemporaryDirectory root;
  const std::string full = root.path() + "/full", more = root.path() + "/more";
  FileSystem& files = PosixFileSystem();
  for (const char* directory : {"/full", "/more", "/full/d", "/more/d"}) {
    ASSERT_TRUE(files.MakeDirectory(root.path() + directory, 0700).ok());
  }
  for (const char* name :
       {"/full/d/old.ibd", "/more/d/old.frm", "/more/d/old.ibd.delta",
        "/full/d/new.ibd", "/more/d/new.frm", "/full/d/dropped.ibd",
        "/full/d/now_aria.ibd", "/more/d/now_aria.frm", "/more/d/now_aria.MAI",
        "/more/d/aria.frm"}) {
    ASSERT_TRUE(files.Create(root.path() + name, 0600));
  }
  const auto moved = MoveNewTablesBack(files, full, more);
  ASSERT_TRUE(moved) << moved.error().message();
  EXPECT_THAT(*moved, testing::ElementsAre("d/new"));
  EXPECT_TRUE(std::filesystem::exists(more + "/d/new.new"));
  EXPECT_FALSE(std::filesystem::exists(full + "/d/new.ibd"));
  for (const char* kept : {"old", "dropped", "now_aria"}) {
    EXPECT_TRUE(std::filesystem::exists(full + "/d/" + kept + ".ibd"));
  }
}

}  // namespace
}  // namespace openkeyring
