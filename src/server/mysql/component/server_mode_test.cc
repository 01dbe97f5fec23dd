// SPDX-License-Identifier: MIT
#include "server/mysql/component/server_mode.h"

#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace openkeyring {
namespace {

ServerMode ModeOf(const std::vector<std::string>& arguments) {
  std::string joined = "/usr/sbin/mysqld";
  for (const std::string& argument : arguments) joined += '\0' + argument;
  return ServerModeOf(joined + '\0');
}

TEST(ServerMode, AServerServesUnlessToldOtherwise) {
  EXPECT_EQ(ServerModeOf(""), ServerMode::kServe);
  EXPECT_EQ(ServerModeOf("mysqld"), ServerMode::kServe);
  EXPECT_EQ(ModeOf({}), ServerMode::kServe);
  EXPECT_EQ(ModeOf({"--verbose", "--help-me", "--he", "-v", "-h/data", "help",
                    "--validate-c0nfig", "--validate-password=ON", "--help=OFF",
                    "--validate-config=0", "-"}),
            ServerMode::kServe);
  EXPECT_EQ(ModeOf({"--", "--help", "--validate-config"}), ServerMode::kServe);
}

TEST(ServerMode, HelpIsSeenInEachOfItsForms) {
  for (const char* argument :
       {"--help", "--hel", "--help=1", "-?", "-v?", "-?v"}) {
    EXPECT_EQ(ModeOf({"--datadir=/d", argument, "--verbose"}),
              ServerMode::kShowHelp)
        << argument;
    EXPECT_EQ(ModeOf({"--validate-config", argument}), ServerMode::kShowHelp);
    EXPECT_EQ(ModeOf({argument, "--validate-config"}), ServerMode::kShowHelp);
  }
}

TEST(ServerMode, ValidationOfTheOptionsIsSeen) {
  for (const char* argument : {"--validate-config", "--validate_config",
                               "--validate-conf", "--validate-config=ON"}) {
    EXPECT_EQ(ModeOf({"--user=mysql", argument}), ServerMode::kValidateConfig)
        << argument;
  }
}

TEST(ServerMode, OfThisProcessIsRead) {
  EXPECT_EQ(CurrentServerMode(PosixFileSystem()), ServerMode::kServe);
}

TEST(ServerMode, TheManifestIsReadBeforeThereAreThreads) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer has a thread of its own";
#endif
  ASSERT_TRUE(IsLoadedByManifest(PosixFileSystem()));
  std::latch end(1);
  const std::jthread other([&] { end.wait(); });
  EXPECT_FALSE(IsLoadedByManifest(PosixFileSystem()));
  end.count_down();
}

}  // namespace
}  // namespace openkeyring
