// SPDX-License-Identifier: MIT
#include "os/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

constexpr Millis kLong{10000};
constexpr size_t kMuch = 1 << 20;

Result<Secret> RunShell(const std::string& command, Millis timeout = kLong,
                        size_t max_output = kMuch) {
  return SystemProcessRunner().Run(command, timeout, max_output, nullptr);
}

std::string Output(const std::string& command) {
  const Result<Secret> output = RunShell(command);
  return output ? std::string(output->RevealText()) : output.error().ToString();
}

// Not counting one that is dead and waits for its parent.
bool IsAlive(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string number, name, state;
  stat >> number >> name >> state;
  return !state.empty() && state != "Z" && state != "X";
}

bool DiesSoon(const std::string& pid) {
  const Deadline deadline = Deadline::After(SystemClock(), Millis(5000));
  while (IsAlive(pid) && !deadline.Passed(SystemClock())) {
    SystemClock().SleepFor(Millis(5));
  }
  return !IsAlive(pid);
}

TEST(ProcessRunner, GivesWhatTheCommandWrites) {
  EXPECT_EQ(Output("printf 'a b\\n'; printf c"), "a b\nc");
  EXPECT_EQ(Output("true"), "");
}

TEST(ProcessRunner, RunsInAShell) {
  EXPECT_EQ(Output("x=1; echo $((x + 1)) | tr 2 3"), "3\n");
}

TEST(ProcessRunner, RunsAProgramWithoutAShell) {
  const auto output = [](const std::vector<std::string>& words) {
    const Result<Secret> written =
        SystemProcessRunner().RunProgram(words, kLong, kMuch);
    return written ? std::string(written->RevealText())
                   : written.error().ToString();
  };
  EXPECT_EQ(output({"/usr/bin/printf", "%s,", "$HOME", "'; id; '", ""}),
            "$HOME,'; id; ',,");
  EXPECT_THAT(output({"printf", "x"}), HasSubstr("cannot start printf"));
  EXPECT_THAT(output({"/bin/false"}), HasSubstr("exit code 1"));
}

TEST(ProcessRunner, KeepsStandardErrorOfAProgramToItself) {
  testing::internal::CaptureStderr();
  EXPECT_FALSE(
      SystemProcessRunner().RunProgram({"/bin/ls", "/no such"}, kLong, kMuch));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ProcessRunner, GivesNoStandardInput) { EXPECT_EQ(Output("cat"), ""); }

TEST(ProcessRunner, TellsTheExitCodeAndNotTheOutput) {
  const Result<Secret> output = RunShell("echo confidential; exit 7");
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), StatusCode::kUnavailable);
  EXPECT_EQ(output.error().message(), "the command ended with exit code 7");
}

TEST(ProcessRunner, TellsAMissingCommand) {
  const Result<Secret> output = RunShell("/nonexistent/program 2> /dev/null");
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message().find("127"), std::string::npos);
}

TEST(ProcessRunner, TellsDeathByASignal) {
  const Result<Secret> output = RunShell("kill -9 $$");
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message().find("signal"), std::string::npos);
}

TEST(ProcessRunner, TakesLargeOutput) {
  const Result<Secret> output =
      RunShell("head -c 300000 /dev/zero | tr '\\0' x");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->RevealText(), std::string(300000, 'x'));
}

TEST(ProcessRunner, RefusesTooMuchOutputAndEndsTheWriter) {
  EXPECT_TRUE(RunShell("printf 1234567890", kLong, 10));
  EXPECT_EQ(RunShell("printf 12345678901", kLong, 10).status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(RunShell("yes", kLong, 100000).status().code(),
            StatusCode::kCorrupt);
}

TEST(ProcessRunner, KillsTheWholeGroupWhenTheTimeIsOver) {
  const TemporaryDirectory directory;
  const std::string pid = directory.PathOf("pid");
  const SteadyTime start = SystemClock().Steady();
  const Result<Secret> output =
      RunShell("sleep 60 & echo $! > " + pid + "; wait", Millis(300));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), StatusCode::kTimeout);
  EXPECT_LT(SystemClock().Steady() - start, kLong);
  std::string grandchild;
  std::ifstream(pid) >> grandchild;
  ASSERT_FALSE(grandchild.empty());
  EXPECT_TRUE(DiesSoon(grandchild));
}

TEST(ProcessRunner, TheTimeAlsoBoundsACommandThatClosedItsOutput) {
  EXPECT_EQ(RunShell("exec >&-; sleep 60", Millis(200)).status().code(),
            StatusCode::kTimeout);
}

TEST(ProcessRunner, ACancelledCommandIsKilled) {
  for (const char* command : {"sleep 60", "exec >&-; sleep 60"}) {
    Cancellation cancellation;
    const SteadyTime start = SystemClock().Steady();
    std::jthread canceller([&] {
      SystemClock().SleepFor(Millis(100));
      cancellation.Cancel();
    });
    EXPECT_EQ(SystemProcessRunner()
                  .Run(command, Millis(60000), 100, &cancellation)
                  .status()
                  .code(),
              StatusCode::kTimeout);
    EXPECT_LT(SystemClock().Steady() - start, kLong);
  }
}

TEST(ProcessRunner, PassesNoDescriptorOn) {
  const int fd = open("/dev/null", O_RDONLY);  // Without O_CLOEXEC.
  ASSERT_GT(fd, 2);
  EXPECT_EQ(Output("test -e /proc/self/fd/" + std::to_string(fd) +
                   " && echo open || echo closed"),
            "closed\n");
  close(fd);
}

TEST(ProcessRunner, LeavesNoDescriptorBehind) {
  const auto open_descriptors = [] {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return std::distance(begin(fds), end(fds));
  };
  const auto before = open_descriptors();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Output("echo x"), "x\n");
  EXPECT_FALSE(RunShell("exit 1"));
  EXPECT_FALSE(RunShell("sleep 9", Millis(20)));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ProcessRunner, TheCommandDoesNotInheritBlockedOrIgnoredSignals) {
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto handler = signal(SIGPIPE, SIG_IGN);
  EXPECT_NE(Output("kill -TERM $$; echo alive"), "alive\n");
  EXPECT_NE(Output("kill -PIPE $$; echo alive"), "alive\n");
  signal(SIGPIPE, handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(ProcessRunner, WorksInAHostThatIgnoresItsChildren) {
  const auto handler = signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(Output("echo x"), "x\n");
  signal(SIGCHLD, handler);
}

TEST(ProcessRunner, RunsCommandsOfManyThreadsAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      const std::string text = std::to_string(i);
      for (int n = 0; n < 3; ++n)
        EXPECT_EQ(Output("echo " + text), text + "\n");
    });
  }
}

}  // namespace
}  // namespace openkeyring
