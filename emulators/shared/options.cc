// SPDX-License-Identifier: MIT
#include "emulators/shared/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace emulators {
namespace {

constexpr int kWrongUsage = 2;

void DescribeCommon(CLI::App& app, Options& o) {
  app.add_option("--control-port", o.control_port,
                 "Port of the control API (127.0.0.1 only); 0: a free one");
  app.add_option("--latency-ms", o.latency_ms, "Of every answer")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--ready-file", o.ready_file,
                 "Written (mode 0600) once all ports answer");
  app.add_option("--parent-pid", o.parent_pid,
                 "Exit when this process is gone");
}

}  // namespace

std::optional<int> CommandLine::Parse(int argc, char** argv, Options& common) {
  CLI::App app(about_);
  app.set_version_flag("--version",
                       std::string(name_) + " " + OPENKEYRING_VERSION);
  Describe(app);
  DescribeCommon(app, common);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  const std::string problem = Check();
  if (problem.empty()) return std::nullopt;
  std::cerr << name_ << ": " << problem << "\n";
  return kWrongUsage;
}

}  // namespace emulators
