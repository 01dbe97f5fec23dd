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

  static std::string WarningOf(const TemporaryDirectory& directory,
                               const std::string& name) {
    const std::string file = directory.PathOf("x.cnf");
    return file + " holds " + name +
           " and is world-readable; run: chown root:mysql " + file +
           "; chmod 640 " + file;
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

TEST_F(ComponentFile, ReadLocalConfigLeadsNowhereWhereTheDataAreNotKnown) {
  WritePlugin(R"({"read_local_config":true})");
  const Status status =
      ReadComponentFile(PosixFileSystem(), log_, "x", {plugin_.path(), ""}, {})
          .status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
  EXPECT_THAT(status.message(), HasSubstr("data directory is not known"));
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
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->warnings(),
            std::vector<std::string>{WarningOf(plugin_, "password")});
  WritePlugin(
      R"({"read_local_config":true,"password":"s","strict_permissions":true})",
      0644);
  EXPECT_THAT(ErrorOfRead(), HasSubstr(WarningOf(plugin_, "password")));
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
  EXPECT_THAT(ErrorOfRead(), AllOf(HasSubstr("cannot read config file"),
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

TEST_F(ComponentFile, WithASecretThatEverybodyMayReadIsAWarningWithTheCure) {
  for (const char* name : {"password", "token"}) {
    const std::string text = std::string("{\"") + name + "\":\"s3cret\"}";
    WritePlugin(text, 0644);
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_EQ(options->TakeSecret(name).RevealText(), "s3cret");
    EXPECT_EQ(options->warnings(),
              std::vector<std::string>{WarningOf(plugin_, name)});
    WritePlugin(R"({"read_local_config":true})", 0644);
    WriteInstance(text, 0604);
    options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_EQ(options->warnings(),
              std::vector<std::string>{WarningOf(instance_, name)});
  }
}

TEST_F(ComponentFile, WithStrictPermissionsThatIsRefusedWithTheCure) {
  for (const char* value : {"true", "\"true\""}) {
    const std::string text =
        std::string(R"({"password":"s3cret","strict_permissions":)") + value +
        "}";
    WritePlugin(text, 0644);
    EXPECT_THAT(ErrorOfRead(), AllOf(HasSubstr(WarningOf(plugin_, "password")),
                                     HasSubstr("strict_permissions"),
                                     Not(HasSubstr("s3cret"))));
    WritePlugin(text, 0640);
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_TRUE(options->Finish().ok());
    EXPECT_TRUE(options->UnknownOptions().empty());
  }
}

TEST_F(ComponentFile, IsNotStrictAndLaxAtOnce) {
  WritePlugin(
      R"({"strict_permissions":true,"allow_insecure_permissions":true})");
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_THAT(options->Finish().message(), HasSubstr("mutually exclusive"));
}

TEST_F(ComponentFile, IsTheOneThatTheProgramNames) {
  WritePlugin(R"({"t":"plugin"})");
  const std::string named = instance_.Write("other.cnf", R"({"t":"named"})");
  Result<JsonOptions> options =
      ReadComponentFile(PosixFileSystem(), log_, "x",
                        {plugin_.path(), instance_.path(), named}, {});
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->Text("t"), "named");
  instance_.Write("other.cnf", R"({"read_local_config":true})");
  WriteInstance(R"({"t":"instance"})");
  options = ReadComponentFile(PosixFileSystem(), log_, "x",
                              {"", instance_.path(), named}, {});
  ASSERT_TRUE(options) << options.status().ToString();
  EXPECT_EQ(options->Text("t"), "instance");
}

TEST_F(ComponentFile, WarningsAreWrittenToTheLogAndKept) {
  WritePlugin(R"({"password":"s3cret","regoin":"x"})", 0644);
  Result<JsonOptions> options = Read();
  ASSERT_TRUE(options) << options.status().ToString();
  (void)options->Text("region");
  const ComponentWarnings warnings = WarningsOf(*options, log_);
  const std::string unknown = plugin_.PathOf("x.cnf") +
                              ": there is no option regoin; did you mean "
                              "region?";
  EXPECT_EQ(warnings.unknown_options, std::vector<std::string>{unknown});
  EXPECT_EQ(ToString(warnings),
            unknown + "; " + WarningOf(plugin_, "password"));
  EXPECT_THAT(log_.Text(), AllOf(HasSubstr(unknown + " (it is ignored)"),
                                 HasSubstr(WarningOf(plugin_, "password"))));
  EXPECT_EQ(ToString(ComponentWarnings{}), "");
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
    EXPECT_TRUE(options->warnings().empty());
  }
  for (const char* value : {"false", "\"false\"", "1"}) {
    WritePlugin(std::string(R"({"password":"s3cret",)") +
                    R"("allow_insecure_permissions":)" + value + "}",
                0644);
    Result<JsonOptions> options = Read();
    ASSERT_TRUE(options) << options.status().ToString();
    EXPECT_EQ(options->warnings().size(), 1u);
  }
}

}  // namespace
}  // namespace openkeyring
