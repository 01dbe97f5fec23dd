// SPDX-License-Identifier: MIT
#include "os/secret_file.h"

#include <gtest/gtest.h>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

TEST(SecretFileTest, AFileIsMadeAndNoneIsReplaced) {
  const TemporaryDirectory directory;
  const std::string path = directory.PathOf("f");
  const Status made =
      CreateSecretFile(path, Secret::CopyOf("plain"), 0600, std::nullopt);
  if (made.code() == StatusCode::kInvalidArgument) GTEST_SKIP();
  ASSERT_TRUE(made.ok()) << made.message();
  EXPECT_EQ(directory.ReadBack("f"), "plain");
  EXPECT_EQ(PosixFileSystem().Stat(path)->permissions, mode_t{0600});
  EXPECT_EQ(CreateSecretFile(path, Secret::CopyOf("other"), 0600, std::nullopt)
                .code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(directory.ReadBack("f"), "plain");
  EXPECT_EQ(PosixFileSystem().List(directory.path())->size(), 1u);
}

}  // namespace
}  // namespace openkeyring
