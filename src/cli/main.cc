// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <iostream>

#include "cli/process_protection.h"
#include "cli/program.h"
#include "os/environment.h"
#include "os/process.h"

namespace {

int Run(const std::vector<std::string>& words) {
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
  openkeyring::Status status = openkeyring::HoldStandardDescriptors();
  if (status.ok()) status = openkeyring::ProtectProcess();
  if (!status.ok()) {
    return openkeyring::ReportFailure(
        words, terminal,
        openkeyring::Failure(status, openkeyring::ExitCode::kFailed,
                             "the system refused it; nothing was changed"));
  }
  openkeyring::Interruption interruption;
  interruption.Install();
  return openkeyring::RunProgram(words, terminal, interruption);
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return Run({argv + 1, argv + argc});
}
