// SPDX-License-Identifier: MIT
#include "aws/credentials/access_key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

class KeyFileTest : public testing::Test {
 protected:
  Result<Credentials> Read(std::string_view text, mode_t mode = 0640) {
    const std::string path = directory_.Write("conf", text);
    chmod(path.c_str(), mode);
    return ReadAccessKeyFile(PosixFileSystem(), path);
  }
  std::string ErrorOf(std::string_view text, mode_t mode = 0640) {
    const Result<Credentials> read = Read(text, mode);
    if (read) return "none";
    EXPECT_EQ(read.error().code(), StatusCode::kMisconfigured);
    return read.error().message();
  }
  TemporaryDirectory directory_;
};

TEST_F(KeyFileTest, LineEndsAndBlanksDoNotMatter) {
  for (const char* text :
       {"AKIDEXAMPLE\nse/cret+\n", "AKIDEXAMPLE\nse/cret+",
        "AKIDEXAMPLE\r\nse/cret+\r\n", "AKIDEXAMPLE \t\nse/cret+  \n\n \n"}) {
    const Result<Credentials> read = Read(text);
    ASSERT_TRUE(read) << text << read.error().message();
    EXPECT_EQ(read->access_key_id, "AKIDEXAMPLE");
    EXPECT_EQ(read->secret_access_key.RevealText(), "se/cret+");
  }
}

TEST_F(KeyFileTest, EachFaultHasItsOwnText) {
  EXPECT_THAT(ReadAccessKeyFile(PosixFileSystem(), "").error().message(),
              HasSubstr("path"));
  EXPECT_THAT(ReadAccessKeyFile(PosixFileSystem(), directory_.PathOf("no"))
                  .error()
                  .message(),
              HasSubstr("is missing"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("is empty"));
  EXPECT_THAT(ErrorOf("\n\nAKID\n"), HasSubstr("first line"));
  EXPECT_THAT(ErrorOf("AKIDEXAMPLE\n"), HasSubstr("second line"));
  EXPECT_THAT(ErrorOf("AKIDEXAMPLE\nsecret\nthird"),
              HasSubstr("more than two lines"));
  EXPECT_THAT(ErrorOf("AKID EXAMPLE\nsecret\n"), HasSubstr("malformed"));
  EXPECT_THAT(ErrorOf("AKIDEXAMPLE\nsecret\n", 0644),
              HasSubstr("; run: chown root:mysql "));
}

TEST_F(KeyFileTest, ErrorsDoNotTellTheSecret) {
  EXPECT_THAT(ErrorOf("AKIDEXAMPLE\nTOP\x01SECRET\n"),
              testing::Not(HasSubstr("SECRET\n")));
}

TEST_F(KeyFileTest, TheSourceReadsAnewEachTime) {
  ASSERT_TRUE(Read("AKIDEXAMPLE\none\n"));
  AccessKeyFileSource source(PosixFileSystem(), directory_.PathOf("conf"));
  const Deadline deadline = Deadline::After(SystemClock(), Millis(1000));
  EXPECT_EQ(source.Fetch(deadline)->secret_access_key.RevealText(), "one");
  directory_.Write("conf", "AKIDEXAMPLE\ntwo\n");
  EXPECT_EQ(source.Fetch(deadline)->secret_access_key.RevealText(), "two");
}

}  // namespace
}  // namespace openkeyring
