// SPDX-License-Identifier: MIT
#include "emulators/kmip/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace kmip_server {
namespace {

void Describe(CLI::App& app, Options& o) {
  app.add_option("--servers", o.servers,
                 "How many to be: they share their objects")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  app.add_option("--port", o.ports,
                 "Port on 127.0.0.1, one for each server; none: free ones")
      ->allow_extra_args(false);
  app.add_option("--control-port", o.control_port,
                 "Port of the control API (127.0.0.1 only); 0: a free one");
  auto* directory = app.add_option(
      "--make-certificates", o.certificates,
      "Directory in which to make a CA, and certificates of server and client");
  auto* cert = app.add_option("--tls-cert", o.tls_cert, "PEM certificate");
  auto* key = app.add_option("--tls-key", o.tls_key, "PEM private key");
  auto* ca = app.add_option("--client-ca", o.client_ca,
                            "PEM certificates of who may sign clients");
  cert->needs(key)->needs(ca)->excludes(directory);
  app.add_option("--tls-version", o.tls_version, "Only that one")
      ->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--behaviour", o.behaviour,
                 "JSON object of peculiarities (see README.md)");
  app.add_option("--latency-ms", o.latency_ms, "Of every answer")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--ready-file", o.ready_file,
                 "Written (mode 0600) once all ports answer");
  app.add_option("--parent-pid", o.parent_pid,
                 "Exit when this process is gone");
}

std::string Complaint(const Options& o) {
  if (o.certificates.empty() && o.tls_cert.empty()) {
    return "--make-certificates or --tls-cert is needed";
  }
  if (!o.ports.empty() && o.ports.size() != static_cast<size_t>(o.servers)) {
    return "--port must be given once for each server";
  }
  return "";
}

}  // namespace

ParsedOptions ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app("A KMIP server for development and tests. It keeps nothing.");
  app.set_version_flag("--version", "kmip-emulator " OPENKEYRING_VERSION);
  Describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error)};
  }
  const std::string complaint = Complaint(options);
  if (complaint.empty()) return {options, 0};
  std::cerr << "kmip-emulator: " << complaint << "\n";
  return {std::nullopt, 2};
}

}  // namespace kmip_server
