// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_login.h"

#include <gtest/gtest.h>

#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

TEST(ProfileLoginSource, AProfileThatNeedsALoginSaysWhatToUseInstead) {
  FakeAwsDependencies fake;
  const auto fetch = [&] {
    return ProfileLoginSource(fake.dependencies(), "default")
        .Fetch(fake.InAMinute())
        .status();
  };
  EXPECT_EQ(fetch().code(), StatusCode::kNotFound);
  for (const char* key :
       {"sso_session", "sso_start_url", "sso_account_id", "login_session"}) {
    fake.SetConfig("[default]\n" + std::string(key) + " = x\n");
    const Status status = fetch();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_NE(status.message().find(key), std::string::npos);
    EXPECT_NE(status.message().find("aws configure export-credentials"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace openkeyring
