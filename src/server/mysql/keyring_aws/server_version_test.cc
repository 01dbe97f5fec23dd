// SPDX-License-Identifier: MIT
#include "server/mysql/keyring_aws/server_version.h"

#include <gtest/gtest.h>

#include <string>

namespace openkeyring {
namespace {

TEST(ServerVersion, Before8022IsRefusedWithAReason) {
  for (const char* version :
       {"8.0.21", "8.0.21-debug", "8.0.3-rc-log", "5.7.44-log", "8.0.0"}) {
    const Status status = CheckServerVersion(version);
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << version;
    EXPECT_NE(status.message().find(std::string("MySQL ") + version),
              std::string::npos);
    EXPECT_NE(status.message().find("8.0.22 and later"), std::string::npos);
  }
}

TEST(ServerVersion, LaterOnesAndWhatIsNoneAreAccepted) {
  for (const char* version : {"8.0.22", "8.0.100", "8.4.0", "9.7.0-commercial",
                              "10.0.0", "", "8", "8.0", "8.0.x", "x"}) {
    EXPECT_TRUE(CheckServerVersion(version).ok()) << version;
  }
}

TEST(ServerVersion, IsEmptyInAProgramThatIsNoServer) {
  EXPECT_EQ(ServerVersion(), "");
}

}  // namespace
}  // namespace openkeyring
