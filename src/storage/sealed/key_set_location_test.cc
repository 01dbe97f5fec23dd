// SPDX-License-Identifier: MIT
#include "storage/sealed/key_set_location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "testing/key_set_fixture.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

// A key set that is not in the data directory, which knows its installation.
class KeySetElsewhereTest : public KeySetTest {
 protected:
  KeySetElsewhereTest() {
    for (const char* name : {"data", "other data", "keys", "wrong"}) {
      std::filesystem::create_directory(root_.PathOf(name));
    }
    Use("keys", "data");
  }
  void Use(const std::string& keys, const std::string& data) {
    options_.keys.directory = root_.PathOf(keys);
    options_.data_directory = root_.PathOf(data);
  }
  Status MakeKey() {
    const auto backend = Make(PosixFileSystem());
    const Status status = backend->Prepare();
    return status.ok() ? backend->Create({1, 1}, 16, Soon()) : status;
  }
  Status Prepared() { return Make(PosixFileSystem())->Prepare(); }

  TemporaryDirectory root_;
};

TEST_F(KeySetElsewhereTest, AnEmptyDirectoryIsRefusedByTheDataDirectory) {
  ASSERT_TRUE(MakeKey().ok());
  EXPECT_TRUE(Prepared().ok());
  Use("wrong", "data");
  const Status status = Prepared();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("has no key of it"));
}

TEST_F(KeySetElsewhereTest, AnotherInstallationsSetIsRefused) {
  ASSERT_TRUE(MakeKey().ok());
  Use("wrong", "other data");
  ASSERT_TRUE(MakeKey().ok());
  Use("wrong", "data");
  const Status status = Prepared();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("installation"));
}

}  // namespace
}  // namespace openkeyring
