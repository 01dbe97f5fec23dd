// SPDX-License-Identifier: MIT
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

extern char** environ;

namespace openkeyring {
namespace {

// A child with its standard output on a pipe.
class Child {
 public:
  ~Child() {
    if (pipe_ >= 0) close(pipe_);
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      Wait();
    }
  }

  // `words`: the path of a program, and what it is called with.
  Status Start(const std::vector<std::string>& words, bool with_errors) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return Failed("make a pipe", errno);
    pipe_ = ends[0];
    const int error = Spawn(words, with_errors, ends[1]);
    close(ends[1]);
    return error == 0 ? Status::Ok() : Failed("start " + words[0], error);
  }

  // Reads to the end of the output.
  Result<Secret> Read(const Deadline& deadline, size_t max_output) {
    Secret output, chunk(4096);
    for (;;) {
      pollfd wait{pipe_, POLLIN, 0};
      const Millis left = deadline.Remaining(SystemClock());
      if (left.count() == 0) {
        return Status(StatusCode::kTimeout, "the command took too long");
      }
      const Millis slice = deadline.cancellation() == nullptr
                               ? left
                               : std::min(left, kCancellationSlice);
      const int ready = poll(&wait, 1, static_cast<int>(slice.count()));
      if (ready <= 0) continue;
      const std::span<uint8_t> space = chunk.RevealMutable();
      const ssize_t n = read(pipe_, space.data(), space.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed("read the output", errno);
      if (n == 0) return output;
      output.Append(ByteView(space.data(), static_cast<size_t>(n)));
      if (output.size() > max_output) {
        return Status(StatusCode::kCorrupt, "the command wrote too much");
      }
    }
  }

  // How it ended, as waitpid tells it; kills it when the deadline passes.
  Result<int> Finish(const Deadline& deadline) {
    for (;;) {
      int result = 0;
      const pid_t pid = waitpid(pid_, &result, WNOHANG);
      if (pid == pid_) {
        pid_ = -1;
        return result;
      }
      if (pid < 0 && errno != EINTR) {
        // The host reaps all children itself (SIGCHLD ignored): no verdict.
        pid_ = -1;
        return 0;
      }
      if (deadline.Passed(SystemClock())) {
        return Status(StatusCode::kTimeout, "the command took too long");
      }
      SystemClock().SleepFor(Millis(2));
    }
  }

 private:
  static Status Failed(const std::string& what, int error) {
    char text[128];
    return {StatusCode::kUnavailable,
            "cannot " + what + ": " + strerror_r(error, text, sizeof text)};
  }

  int Spawn(const std::vector<std::string>& words, bool with_errors,
            int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (!with_errors) {
      posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    // A group of its own, so that its children go with it; and the signal mask
    // and handlers a program expects, not the server's.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                              POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    std::vector<char*> arguments;
    for (const std::string& word : words) {
      arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    const int error = posix_spawn(&pid_, arguments[0], &actions, &attributes,
                                  arguments.data(), environ);
    if (error != 0) pid_ = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  void Wait() {
    int result = 0;
    while (waitpid(pid_, &result, 0) < 0 && errno == EINTR) {
    }
  }

  pid_t pid_ = -1;
  int pipe_ = -1;
};

class RealProcessRunner : public ProcessRunner {
 public:
  Result<Secret> Run(const std::string& command, Millis timeout,
                     size_t max_output,
                     const Cancellation* cancellation) override {
    Deadline deadline = Deadline::After(SystemClock(), timeout);
    if (cancellation != nullptr) deadline = deadline.CancelledBy(*cancellation);
    return Run({"/bin/sh", "-c", command}, true, deadline, max_output);
  }

  Result<Secret> RunProgram(const std::vector<std::string>& words,
                            Millis timeout, size_t max_output) override {
    return Run(words, false, Deadline::After(SystemClock(), timeout),
               max_output);
  }

 private:
  static Result<Secret> Run(const std::vector<std::string>& words,
                            bool with_errors, const Deadline& deadline,
                            size_t max_output) {
    Child child;
    Status started = child.Start(words, with_errors);
    if (!started.ok()) return started;
    Result<Secret> output = child.Read(deadline, max_output);
    if (!output) return output;
    Result<int> ending = child.Finish(deadline);
    if (!ending) return ending.error();
    if (WIFEXITED(*ending) && WEXITSTATUS(*ending) == 0) return output;
    return Status(StatusCode::kUnavailable,
                  WIFEXITED(*ending)
                      ? "the command ended with exit code " +
                            std::to_string(WEXITSTATUS(*ending))
                      : std::string("the command was killed by a signal"));
  }
};

}  // namespace

Status HoldStandardDescriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    const int wrong_way = number == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", wrong_way) == number) continue;
    return {StatusCode::kInternal,
            "descriptor " + std::to_string(number) +
                " is closed, and /dev/null cannot take its place"};
  }
  return Status::Ok();
}

uid_t EffectiveUser() { return geteuid(); }

ProcessRunner& SystemProcessRunner() {
  static RealProcessRunner runner;
  return runner;
}

}  // namespace openkeyring
