// SPDX-License-Identifier: MIT
#include "aws/credentials/process.h"

#include <gtest/gtest.h>

#include "aws/values.h"
#include "testing/fake_aws_dependencies.h"

namespace openkeyring {
namespace {

class ProcessSourceTest : public ::testing::Test {
 protected:
  ProcessSourceTest() {
    fake_.SetConfig("[default]\ncredential_process = /bin/tool --x \"a b\"\n");
  }
  Result<Credentials> Fetch() {
    return ProcessSource(fake_.dependencies(), "default")
        .Fetch(fake_.InAMinute());
  }
  Result<Credentials> FetchWith(std::string output) {
    fake_.processes.handler = [output](const std::string&) {
      return Secret::CopyOf(std::string_view(output));
    };
    return Fetch();
  }
  FakeAwsDependencies fake_;
};

TEST_F(ProcessSourceTest, ReadsWhatTheCommandWrites) {
  const auto keys = FetchWith(
      R"({"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s",
          "SessionToken":"t","Expiration":"2026-01-02T04:04:05+00:00"})");
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(keys->access_key_id, "AKID");
  EXPECT_EQ(keys->secret_access_key.RevealText(), "s");
  EXPECT_EQ(keys->session_token.RevealText(), "t");
  EXPECT_EQ(IsoTime(*keys->expiration), "2026-01-02T04:04:05Z");
  EXPECT_EQ(fake_.processes.commands[0], "/bin/tool --x \"a b\"");
}

// As the AWS CLI, to which a line end is whitespace; to sh it ends a command.
TEST_F(ProcessSourceTest, ACommandOverSeveralLinesIsOneCommand) {
  fake_.SetConfig(
      "[default]\ncredential_process = /bin/tool\n  --x \\\n  --y\n");
  EXPECT_FALSE(FetchWith("{}"));
  EXPECT_EQ(fake_.processes.commands[0], "/bin/tool --x \\\n--y");
}

TEST_F(ProcessSourceTest, TokenAndExpirationMayBeMissing) {
  const auto keys =
      FetchWith(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"})");
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->session_token.empty());
  EXPECT_FALSE(keys->expiration);
}

TEST_F(ProcessSourceTest, WithoutACommandItIsNotFound) {
  fake_.SetConfig("[default]\n");
  EXPECT_EQ(Fetch().status().code(), StatusCode::kNotFound);
}

TEST_F(ProcessSourceTest, AFailingCommandKeepsItsKindOfErrorAndItsLineSecret) {
  for (const StatusCode code :
       {StatusCode::kUnavailable, StatusCode::kTimeout}) {
    fake_.processes.handler = [code](const std::string&) {
      return Status(code, "it ended badly");
    };
    const Status status = Fetch().status();
    EXPECT_EQ(status.code(), code);
    EXPECT_NE(status.message().find("profile default in /home/db/.aws/config"),
              std::string::npos);
    EXPECT_EQ(status.message().find("tool"), std::string::npos);
  }
}

TEST_F(ProcessSourceTest, OutputOfAnotherShapeIsRefusedUnquoted) {
  const std::pair<const char*, StatusCode> cases[] = {
      {"", StatusCode::kCorrupt},
      {"hush", StatusCode::kCorrupt},
      {R"({"Version":2,"AccessKeyId":"A","SecretAccessKey":"hush"})",
       StatusCode::kMisconfigured},
      {R"({"Version":"1","AccessKeyId":"A","SecretAccessKey":"hush"})",
       StatusCode::kMisconfigured},
      {R"({"AccessKeyId":"A","SecretAccessKey":"hush"})",
       StatusCode::kMisconfigured},
      {R"({"Version":1,"AccessKeyId":"A"})", StatusCode::kCorrupt},
      {R"({"Version":1,"SecretAccessKey":"hush"})", StatusCode::kCorrupt}};
  for (const auto& [output, code] : cases) {
    const Status status = FetchWith(output).status();
    EXPECT_EQ(status.code(), code) << output;
    EXPECT_EQ(status.message().find("hush"), std::string::npos);
  }
}

TEST_F(ProcessSourceTest, WithoutTimeLeftNothingIsStarted) {
  const Status status = ProcessSource(fake_.dependencies(), "default")
                            .Fetch(fake_.In(Millis(0)))
                            .status();
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_TRUE(fake_.processes.commands.empty());
}

}  // namespace
}  // namespace openkeyring
