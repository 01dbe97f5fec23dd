// SPDX-License-Identifier: MIT
#include "product/component_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "testing/fakes.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ComponentFile : public testing::Test {
 protected:
  void WritePlugin(std::string_view text, mode_t mode = 0640) {
    ASSERT_EQ(chmod(plugin_.Write("x.cnf", text).c_str(), mode), 0);
  }
  void WriteInstance(std::string_view text, mode_t mode = 0640) {
    ASSERT_EQ(chmod(instance_.Write("x.cnf", text).c_str(), mode), 0);
  }
  Result<JsonOptions> Read() {
    return ReadComponentFile(PosixFileSystem(), log_, "x",
                             {plugin_.path(), instance_.path()},
                             {"password", "token"});
  }
  std::string ErrorOfRead() {
    const Status status = Read().status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured) << status.ToString();
    return status.message();
  }

  TemporaryDirectory plugin_, instance_;
  MemoryLog log_;
};

TEST_F(ComponentFile, IsTheOneInThePluginDirectory) {
  WritePlugin(R"({"t":"plugin"})");
  WriteInstance(R"({"t":"instance"})");
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->Text("t"), "plugin");
  EXPECT_EQ(options->source(), plugin_.PathOf("x.cnf"));
  EXPECT_TRUE(options->Finish().ok());
  EXPECT_EQ(log_.Text(), "");
}

TEST_F(ComponentFile, ReadLocalConfigAsABooleanOrATextLeadsToTheDataDirectory) {
  WriteInstance(R"({"t":"instance"})");
  for (const char* value : {"true", "\"true\"", "\"TRUE\""}) {
    WritePlugin(std::string(R"({"read_local_config":)") + value + "}");
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_EQ(options->Text("t"), "instance") << value;
    EXPECT_EQ(options->source(), instance_.PathOf("x.cnf"));
    EXPECT_TRUE(options->Finish().ok());
  }
  EXPECT_EQ(log_.Text(), "");
}

TEST_F(ComponentFile, ReadLocalConfigThatIsFalseIsNoUnknownKey) {
  for (const char* value : {"false", "\"false\""}) {
    WritePlugin(std::string(R"({"t":"p","read_local_config":)") + value + "}");
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_EQ(options->Text("t"), "p");
    EXPECT_TRUE(options->Finish().ok());
  }
}

TEST_F(ComponentFile, ReadLocalConfigOfAnotherTypeIsAnErrorAtTheEnd) {
  WritePlugin(R"({"read_local_config":1})");
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->source(), plugin_.PathOf("x.cnf"));
  EXPECT_THAT(options->Finish().message(),
              HasSubstr("read_local_config must be true or false"));
}

TEST_F(ComponentFile, WhatElseIsBesideReadLocalConfigIsNotUsedAndTold) {
  WritePlugin(R"({"read_local_config":true,"t":"plugin"})");
  WriteInstance("{}");
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->Text("t"), "");
  EXPECT_THAT(log_.Text(), AllOf(HasSubstr(plugin_.PathOf("x.cnf")),
                                 HasSubstr("nothing else in it is used")));
}

TEST_F(ComponentFile, ASecretBesideReadLocalConfigIsToldToo) {
  WritePlugin(R"({"read_local_config":true,"password":"s3cret"})");
  WriteInstance("{}");
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_TRUE(options->TakeSecret("password").empty());
  EXPECT_THAT(log_.Text(), AllOf(HasSubstr("nothing else in it is used"),
                                 Not(HasSubstr("s3cret"))));
}

TEST_F(ComponentFile, ASecretBesideReadLocalConfigMustNotLieOpenEither) {
  WritePlugin(R"({"read_local_config":true,"password":"s3cret"})", 0644);
  WriteInstance("{}");
  EXPECT_THAT(ErrorOfRead(), HasSubstr("chmod o= " + plugin_.PathOf("x.cnf")));
}

TEST_F(ComponentFile, ReadLocalConfigInTheDataDirectoryLeadsNowhere) {
  WritePlugin(R"({"read_local_config":true})");
  WriteInstance(R"({"read_local_config":true,"t":"instance"})");
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->Text("t"), "instance");
  EXPECT_TRUE(options->Finish().ok());
}

TEST_F(ComponentFile, AMissingFileIsMisconfiguredAndNamed) {
  EXPECT_THAT(ErrorOfRead(), AllOf(HasSubstr("configuration cannot be read"),
                                   HasSubstr(plugin_.PathOf("x.cnf"))));
  WritePlugin(R"({"read_local_config":true})");
  EXPECT_THAT(ErrorOfRead(), HasSubstr(instance_.PathOf("x.cnf")));
}

TEST_F(ComponentFile, AFileThatIsTooLargeOrADirectoryIsMisconfigured) {
  WritePlugin(std::string((1 << 20) + 1, ' '));
  EXPECT_THAT(ErrorOfRead(), HasSubstr(plugin_.PathOf("x.cnf")));
  ASSERT_EQ(unlink(plugin_.PathOf("x.cnf").c_str()), 0);
  ASSERT_EQ(mkdir(plugin_.PathOf("x.cnf").c_str(), 0700), 0);
  EXPECT_THAT(ErrorOfRead(), HasSubstr(plugin_.PathOf("x.cnf")));
}

TEST_F(ComponentFile, WithoutAPluginDirectoryThereIsNoConfiguration) {
  const Status status =
      ReadComponentFile(PosixFileSystem(), log_, "x", {}, {}).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("plugin directory"));
}

TEST_F(ComponentFile, WithASecretThatEverybodyMayReadIsRefusedWithTheCure) {
  for (const char* name : {"password", "token"}) {
    const std::string text = std::string("{\"") + name + "\":\"s3cret\"}";
    WritePlugin(text, 0644);
    EXPECT_THAT(
        ErrorOfRead(),
        AllOf(HasSubstr(name), HasSubstr("chmod o= " + plugin_.PathOf("x.cnf")),
              HasSubstr("allow_insecure_permissions"),
              Not(HasSubstr("s3cret"))));
    WritePlugin(R"({"read_local_config":true})", 0644);
    WriteInstance(text, 0604);
    EXPECT_THAT(ErrorOfRead(),
                HasSubstr("chmod o= " + instance_.PathOf("x.cnf")));
  }
}

TEST_F(ComponentFile, WithASecretThatTheGroupMayReadIsFine) {
  for (const mode_t mode : {0400, 0600, 0640, 0660, 0641}) {
    WritePlugin(R"({"password":"s3cret"})", mode);
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << std::oct << mode << options.status().ToString();
    EXPECT_EQ(options->TakeSecret("password").RevealText(), "s3cret");
  }
}

TEST_F(ComponentFile, WithoutASecretMayBeReadByEverybody) {
  WritePlugin(R"({"t":"x"})", 0666);
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  (void)options->Text("t");
  EXPECT_TRUE(options->Finish().ok());
}

TEST_F(ComponentFile, MayLieOpenWhenItSaysSo) {
  for (const char* value : {"true", "\"true\""}) {
    WritePlugin(std::string(R"({"password":"s3cret",)") +
                    R"("allow_insecure_permissions":)" + value + "}",
                0644);
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_TRUE(options->Finish().ok());
  }
  for (const char* value : {"false", "\"false\"", "1"}) {
    WritePlugin(std::string(R"({"password":"s3cret",)") +
                    R"("allow_insecure_permissions":)" + value + "}",
                0644);
    EXPECT_THAT(ErrorOfRead(), HasSubstr("chmod"));
  }
}

}  // namespace
}  // namespace openkeyring
