// SPDX-License-Identifier: MIT
#include "cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace openkeyring {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A stream that throws what a library may throw.
class Broken : public std::streambuf {
 protected:
  int overflow(int) override { throw std::runtime_error("no memory"); }
};

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() : broken_(&buffer_) { broken_.exceptions(std::ios::badbit); }
  Terminal TerminalOf(std::ostream& data) {
    return {data, people_, in_, false, false, false, "", ""};
  }
  int Run(const std::vector<std::string>& words) {
    return RunProgram(words, TerminalOf(data_), interruption_);
  }
  int RunBroken(const std::vector<std::string>& words) {
    return RunProgram(words, TerminalOf(broken_), interruption_);
  }

  std::ostringstream data_, people_;
  std::istringstream in_;
  Broken buffer_;
  std::ostream broken_;
  Interruption interruption_;
};

TEST_F(ProgramTest, AnExceptionIsAnErrorLikeAnyOther) {
  EXPECT_EQ(RunBroken({"man"}), 1);
  EXPECT_THAT(people_.str(),
              AllOf(StartsWith("keyringctl: error: the command was ended by a "
                               "fault: no memory\n"),
                    HasSubstr("hint: ")));
}

TEST_F(ProgramTest, AnExceptionIsJsonWhereThatIsAskedFor) {
  EXPECT_EQ(RunBroken({"help", "--json"}), 1);
  const auto json = nlohmann::json::parse(people_.str());
  EXPECT_EQ(json["schema"], "openkeyring/error/1");
  EXPECT_EQ(json["command"], "help");
  EXPECT_EQ(json["code"], 1);
}

TEST_F(ProgramTest, AWrongLineIsToldAsItAsks) {
  EXPECT_EQ(Run({"check", "--nonsense", "--format=json"}), 2);
  EXPECT_EQ(nlohmann::json::parse(people_.str())["code"], 2);
  people_.str("");
  EXPECT_EQ(Run({"check", "--nonsense", "--format", "nagios"}), 3);
  EXPECT_THAT(data_.str(), StartsWith("KEYRING UNKNOWN - "));
  EXPECT_THAT(people_.str(), StartsWith("keyringctl: error: "));
}

TEST_F(ProgramTest, OnlyCheckHasFormats) {
  EXPECT_EQ(Run({"list", "--format", "nagios"}), 2);
  EXPECT_EQ(Run({"list", "--format=json"}), 2);
  EXPECT_EQ(data_.str(), "");
  EXPECT_THAT(people_.str(), StartsWith("keyringctl: error: "));
}

TEST_F(ProgramTest, NothingOfAMessageLooksLikeANumberOfNagios) {
  EXPECT_EQ(
      ReportFailure({"check", "--format=nagios"}, TerminalOf(data_),
                    {{StatusCode::kInternal, "a|b\nc"}, ExitCode::kFailed}),
      3);
  EXPECT_EQ(data_.str(), "KEYRING UNKNOWN - a/b\\x0ac\n");
}

TEST_F(ProgramTest, AnInterruptionStaysOne) {
  EXPECT_EQ(ReportFailure({"check", "--format=nagios"}, TerminalOf(data_),
                          Interrupted().value()),
            130);
  EXPECT_EQ(data_.str(), "");
}

}  // namespace
}  // namespace openkeyring
