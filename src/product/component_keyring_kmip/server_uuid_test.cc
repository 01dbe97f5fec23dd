// SPDX-License-Identifier: MIT
#include "product/component_keyring_kmip/server_uuid.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

TEST(ServerUuid, IsReadFromAutoCnf) {
  const TemporaryDirectory directory;
  const auto read = [&] {
    return ReadServerUuid(PosixFileSystem(), directory.path());
  };
  EXPECT_EQ(read(), "");
  const auto write = [&](const std::string& text) {
    std::ofstream(directory.path() + "/auto.cnf") << text;
  };
  const std::string uuid = "ca43a29e-e8a9-11f1-b637-02fc00000001";
  write("[auto]\nserver-uuid=" + uuid + "\n");
  EXPECT_EQ(read(), uuid);
  for (const std::string& text :
       {std::string("[auto]\n"), "[auto]\nserver-uuid=" + uuid + "1\n",
        "[auto]\nserver-uuid=" + uuid.substr(1) + "?\n"}) {
    write(text);
    EXPECT_EQ(read(), "") << text;
  }
}

}  // namespace
}  // namespace openkeyring
