// SPDX-License-Identifier: MIT
#include "cli/option_files.h"

#include <gtest/gtest.h>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

TEST(OptionFilesTest, NamesAreThoseOfVariables) {
  ServerVariables variables;
  for (const char* word :
       {"--Plugin-Dir=/p", "--loose-keyring_aws-region=eu-west-1",
        "--innodb-encrypt-log", "datadir=/ignored", "--port=1", "--port=2"}) {
    AddServerOption(word, variables);
  }
  EXPECT_EQ(variables, (ServerVariables{{"plugin_dir", "/p"},
                                        {"keyring_aws_region", "eu-west-1"},
                                        {"innodb_encrypt_log", "1"},
                                        {"port", "2"}}));
}

TEST(OptionFilesTest, PluginsThatAreLoadedAddUp) {
  ServerVariables variables;
  AddServerOption("--plugin-load-add=a.so", variables);
  AddServerOption("--plugin_load_add=b.so", variables);
  EXPECT_EQ(variables["plugin_load_add"], "a.so;b.so");
}

TEST(OptionFilesTest, PrintedDefaultsAreTheLineBehindTheFirst) {
  const ServerVariables variables = ParsePrintedDefaults(
      "mysqld would have been started with the following arguments:\n"
      "--datadir=/var/lib/my sql --keyring_aws_cmk_id=alias/a \n");
  EXPECT_EQ(variables, (ServerVariables{{"datadir", "/var/lib/my sql"},
                                        {"keyring_aws_cmk_id", "alias/a"}}));
  EXPECT_TRUE(ParsePrintedDefaults("").empty());
}

TEST(OptionFilesTest, AFileHasGroupsCommentsQuotesAndIncludes) {
  const TemporaryDirectory directory;
  directory.Write("more.cnf", "[mysqld]\nkeyring_aws_region = eu-west-1\n");
  const std::string file = directory.Write(
      "my.cnf",
      "# a comment\n[client]\nuser=x\n[mysqld]\n"
      "datadir = \"/d # no comment\"  # a comment\nskip-networking\n"
      "!include " +
          directory.PathOf("more.cnf") + "\n");
  const auto words = ReadOptionFile(PosixFileSystem(), file, {"mysqld"});
  ASSERT_TRUE(words) << words.error().ToString();
  EXPECT_EQ(*words, (std::vector<std::string>{
                        "--datadir=/d # no comment", "--skip-networking",
                        "--keyring_aws_region=eu-west-1"}));
}

TEST(OptionFilesTest, AMissingFileAndAnOpenGroupAreErrors) {
  const TemporaryDirectory directory;
  EXPECT_EQ(ReadOptionFile(PosixFileSystem(), directory.PathOf("x"), {"mysqld"})
                .status()
                .code(),
            StatusCode::kNotFound);
  const std::string file = directory.Write("my.cnf", "[mysqld\n");
  const auto words = ReadOptionFile(PosixFileSystem(), file, {"mysqld"});
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().code(), StatusCode::kMisconfigured);
  EXPECT_NE(words.error().message().find(file + ":1"), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
