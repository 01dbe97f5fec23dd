// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <exception>
#include <iostream>

#include "cli/process_protection.h"
#include "cli/program.h"
#include "os/environment.h"

namespace {

int Run(const std::vector<std::string>& words) {
  const openkeyring::Status status = openkeyring::ProtectProcess();
  if (!status.ok()) {
    std::cerr << "keyringctl: error: " << status.message() << "\n";
    return static_cast<int>(openkeyring::ExitCode::kFailed);
  }
  openkeyring::Interruption interruption;
  interruption.Install();
  const auto variable = [](const char* name) {
    return openkeyring::ProcessEnvironment().Get(name).value_or("");
  };
  const openkeyring::Terminal terminal = {std::cout,
                                          std::cerr,
                                          std::cin,
                                          isatty(STDOUT_FILENO) == 1,
                                          isatty(STDERR_FILENO) == 1,
                                          isatty(STDIN_FILENO) == 1,
                                          variable("NO_COLOR"),
                                          variable("TERM")};
  return openkeyring::RunProgram(words, terminal, interruption);
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    return Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "keyringctl: error: " << error.what() << "\n";
    return static_cast<int>(openkeyring::ExitCode::kFailed);
  }
}
