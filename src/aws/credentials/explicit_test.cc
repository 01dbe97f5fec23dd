// SPDX-License-Identifier: MIT
#include "aws/credentials/explicit.h"

#include <gtest/gtest.h>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

Result<Credentials> Fetch(const char* id, const char* key, const char* token) {
  FakeAwsDependencies fake;
  AwsOptions options;
  options.access_key_id = id;
  options.secret_access_key = TakeSecret(key);
  options.session_token = TakeSecret(token);
  return ExplicitSource(options).Fetch(fake.InAMinute());
}

TEST(ExplicitSource, GivesTheKeysOfTheOptions) {
  const auto keys = Fetch("AKID", "secret", "token");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->access_key_id, "AKID");
  EXPECT_EQ(keys->secret_access_key.RevealText(), "secret");
  EXPECT_EQ(keys->session_token.RevealText(), "token");
  EXPECT_FALSE(keys->expiration);
}

TEST(ExplicitSource, WithoutKeysItIsNotFoundAndWithHalfOfThemMisconfigured) {
  EXPECT_EQ(Fetch("", "", "").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Fetch("AKID", "", "").status().code(), StatusCode::kMisconfigured);
  EXPECT_EQ(Fetch("", "hush", "").status().code(), StatusCode::kMisconfigured);
  EXPECT_EQ(Fetch("", "", "hush").status().code(), StatusCode::kMisconfigured);
}

}  // namespace
}  // namespace openkeyring
