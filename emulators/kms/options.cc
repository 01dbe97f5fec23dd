// SPDX-License-Identifier: MIT
#include "emulators/kms/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "net/url.h"

namespace kms_emulator {
namespace {

constexpr const char* kDefaultRegion = "us-east-1";

void Describe(CLI::App& app, Options& o) {
  app.add_option("--listen", o.listen, "Numeric address to listen on")
      ->capture_default_str();
  app.add_flag("--allow-non-loopback", o.allow_non_loopback,
               "Let --listen name an address that others can reach");
  app.add_option("--port", o.port, "Port of the services; 0: a free one");
  app.add_option("--control-port", o.control_port,
                 "Port of the control API (127.0.0.1 only); 0: a free one");
  auto* cert = app.add_option("--tls-cert", o.tls_cert,
                              "PEM certificate chain: serve HTTPS");
  auto* key = app.add_option("--tls-key", o.tls_key, "PEM private key");
  cert->needs(key);
  key->needs(cert);
  app.add_option("--state", o.state_file,
                 "JSON file that keeps keys and identities");
  app.add_option("--identities", o.identities_file,
                 "JSON file of identities to add (see README.md)");
  app.add_option("--ready-file", o.ready_file,
                 "Written (mode 0600) once both ports answer");
  app.add_option("--account", o.account, "12-digit account number")
      ->capture_default_str();
  app.add_option("--region", o.regions,
                 "A region to serve; repeatable, the first is the default")
      ->allow_extra_args(false);
  app.add_option("--create-key", o.create_keys,
                 "alias/NAME or alias/NAME=KEY-ID; repeatable; existing "
                 "aliases stay as they are")
      ->allow_extra_args(false);
  app.add_option("--replicate", o.replicas,
                 "MRK-ID=REGION: a replica of a multi-region key; repeatable")
      ->allow_extra_args(false);
  app.add_option("--access-key", o.access_keys,
                 "ID:SECRET; repeatable; random ones when none is known")
      ->allow_extra_args(false);
  app.add_option("--imds-role", o.imds_role,
                 "Role whose credentials IMDS and the container endpoint give")
      ->capture_default_str();
  app.add_option("--max-connections", o.max_connections,
                 "Connections served at once, a thread each; more wait")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--latency-ms", o.latency_ms, "Of every answer")
      ->capture_default_str();
  app.add_option("--parent-pid", o.parent_pid,
                 "Exit when this process is gone");
}

// What is wrong between options, or nothing.
std::string Complaint(const Options& o) {
  const bool loopback =
      openkeyring::Url{"http", o.listen, 80, "/", ""}.IsLoopback();
  if (!loopback && !o.allow_non_loopback) {
    return "--listen " + o.listen +
           " is not a loopback address; this program protects nothing, so "
           "that takes --allow-non-loopback";
  }
  if (o.account.size() != 12 ||
      o.account.find_first_not_of("0123456789") != std::string::npos) {
    return "--account must be 12 digits";
  }
  return "";
}

}  // namespace

ParsedOptions ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app("An emulator of AWS KMS for development and tests. Not a KMS.");
  app.set_version_flag("--version", "kms-emulator " OPENKEYRING_VERSION);
  Describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error)};
  }
  if (options.regions.empty()) options.regions = {kDefaultRegion};
  const std::string complaint = Complaint(options);
  if (complaint.empty()) return {options, 0};
  std::cerr << "kms-emulator: " << complaint << "\n";
  return {std::nullopt, 2};
}

}  // namespace kms_emulator
