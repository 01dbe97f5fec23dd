// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_OPTIONS_H_
#define OPENKEYRING_EMULATORS_SHARED_OPTIONS_H_

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace emulators {

// What every emulator can be told on its command line.
struct Options {
  int control_port = 0;
  int latency_ms = 0;      // Of every answer.
  std::string ready_file;  // "": none.
  int parent_pid = 0;      // 0: none.
};

// The command line of one emulator.
class CommandLine {
 public:
  CommandLine(const char* name, const char* about)
      : name_(name), about_(about) {}
  virtual ~CommandLine() = default;

  // Fills the options from the arguments. The exit status when there is nothing
  // to do: after --help and --version, and after a mistake. It has been
  // printed.
  std::optional<int> Parse(int argc, char** argv, Options& common);

 private:
  // Adds the options of this emulator.
  virtual void Describe(CLI::App& app) = 0;
  // Completes the options once they are read. What is wrong between them, or
  // "".
  virtual std::string Check() = 0;

  const char* const name_;
  const char* const about_;
};

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_OPTIONS_H_
