// SPDX-License-Identifier: MIT
#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <set>

#include "cli/command_table.h"

namespace openkeyring {
namespace {

TEST(CommandLineTest, OptionsAndArgumentsArriveByTheirNames) {
  const auto line = ParseCommandLine(
      {"show", "--owner", "u@h", "key", "--json", "--path=/x y"});
  ASSERT_TRUE(line);
  EXPECT_STREQ(line->command->name, "show");
  EXPECT_EQ(line->arguments.Text("ID"), "key");
  EXPECT_EQ(line->arguments.Text("--owner"), "u@h");
  EXPECT_EQ(line->arguments.Text("--path"), "/x y");
  EXPECT_TRUE(line->arguments.Has("--json"));
  EXPECT_FALSE(line->arguments.Has("--strict"));
}

TEST(CommandLineTest, AnOptionTakesOneValueAndTheRestAreArguments) {
  const auto line = ParseCommandLine({"show", "--path", "/x", "key"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->arguments.All("--path"), std::vector<std::string>{"/x"});
  EXPECT_EQ(line->arguments.Text("ID"), "key");
}

TEST(CommandLineTest, WhatRepeatsIsKeptInOrder) {
  const auto line =
      ParseCommandLine({"check", "--skip", "dns", "--skip", "tcp"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->arguments.All("--skip"),
            (std::vector<std::string>{"dns", "tcp"}));
}

TEST(CommandLineTest, WrongLinesAreUsageWithTheNearestWord) {
  const struct {
    std::vector<std::string> words;
    const char* hint;
  } wrong[] = {{{"lst"}, "did you mean list?"},
               {{"list", "--jsn"}, "did you mean --json?"},
               {{}, "keyringctl --help lists the commands"},
               {{"list", "--color", "blue"}, "keyringctl list --help"},
               {{"list", "word"}, "keyringctl list --help"},
               {{"show"}, "keyringctl show --help"}};
  for (const auto& one : wrong) {
    const auto line = ParseCommandLine(one.words);
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().code, ExitCode::kUsage);
    EXPECT_EQ(line.error().hint, one.hint);
  }
}

TEST(CommandLineTest, AnEmptyPathIsNotOneThatIsNotGiven) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"verify", "--path", ""},
        {"list", "--config", ""},
        {"list", "--datadir", ""},
        {"list", "--defaults-file", ""},
        {"list", "--plugin-dir", ""},
        {"convert", "--to", "sealed", "--output", ""},
        {"restore", ""},
        {"restore", "--", ""},
        {"migrate", "", "component_keyring_kms"}}) {
    const auto line = ParseCommandLine(words);
    ASSERT_FALSE(line) << words[0];
    EXPECT_EQ(line.error().code, ExitCode::kUsage);
    EXPECT_NE(line.error().status.message().find("must not be empty"),
              std::string::npos);
  }
  const auto without_owner = ParseCommandLine({"show", "--owner", "", "key"});
  ASSERT_TRUE(without_owner);
  EXPECT_TRUE(without_owner->arguments.Has("--owner"));
}

TEST(CommandLineTest, HelpWinsOverWhatIsWrong) {
  const auto line = ParseCommandLine({"show", "--no-such", "--help"});
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->arguments.Has("--help"));
  const auto after = ParseCommandLine({"show", "--", "--help"});
  ASSERT_TRUE(after);
  EXPECT_EQ(after->arguments.Text("ID"), "--help");
}

TEST(CommandLineTest, TheTableHasNoNameTwiceAndAnExampleEverywhere) {
  for (const CommandSpec& command : Commands()) {
    EXPECT_EQ(FindCommand(command.name), &command) << command.name;
    EXPECT_FALSE(command.examples.empty()) << command.name;
    std::set<std::string> names;
    for (const OptionSpec& option : AllOptions(command)) {
      EXPECT_TRUE(names.insert(LongName(option)).second)
          << command.name << " " << option.name;
    }
  }
}

}  // namespace
}  // namespace openkeyring
