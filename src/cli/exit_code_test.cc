// SPDX-License-Identifier: MIT
#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace openkeyring {
namespace {

struct Case {
  StatusCode status;
  ExitCode server, file;
};

// The numbers are a promise to scripts; the same failure of a file and of a key
// server asks for different things of a person.
TEST(ExitCodeTest, AnErrorOfAFileIsNotOneOfTheKeyServer) {
  const Case kCases[] = {
      {StatusCode::kOk, ExitCode::kOk, ExitCode::kOk},
      {StatusCode::kMisconfigured, ExitCode::kUsage, ExitCode::kUsage},
      {StatusCode::kInvalidArgument, ExitCode::kUsage, ExitCode::kUsage},
      {StatusCode::kDenied, ExitCode::kUnreachable, ExitCode::kUsage},
      {StatusCode::kUnavailable, ExitCode::kUnreachable, ExitCode::kFailed},
      {StatusCode::kTimeout, ExitCode::kUnreachable, ExitCode::kFailed},
      {StatusCode::kThrottled, ExitCode::kUnreachable, ExitCode::kFailed},
      {StatusCode::kCorrupt, ExitCode::kProblems, ExitCode::kProblems},
      {StatusCode::kNotFound, ExitCode::kFailed, ExitCode::kUsage},
      {StatusCode::kAlreadyExists, ExitCode::kFailed, ExitCode::kFailed},
      {StatusCode::kReadOnly, ExitCode::kFailed, ExitCode::kFailed},
      {StatusCode::kInternal, ExitCode::kFailed, ExitCode::kFailed}};
  for (const Case& one : kCases) {
    const Status status(one.status, "why");
    EXPECT_EQ(ExitCodeOf(status), one.server) << static_cast<int>(one.status);
    EXPECT_EQ(FileExitCodeOf(status), one.file) << static_cast<int>(one.status);
  }
}

TEST(ExitCodeTest, TheNumbersAreThoseOfTheContract) {
  EXPECT_EQ(static_cast<int>(ExitCode::kFailed), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kProblems), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kUnreachable), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::kInUse), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::kUnconfirmed), 6);
  EXPECT_EQ(static_cast<int>(ExitCode::kInterrupted), 130);
}

}  // namespace
}  // namespace openkeyring
