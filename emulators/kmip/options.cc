// SPDX-License-Identifier: MIT
#include "emulators/kmip/options.h"

#include <CLI/CLI.hpp>

namespace kmip_server {
namespace {

void DescribeServers(CLI::App& app, Options& o) {
  app.add_option("--servers", o.servers,
                 "How many to be: they share their objects")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  app.add_option("--port", o.ports,
                 "Port on 127.0.0.1, one for each server; none: free ones")
      ->allow_extra_args(false);
  auto* directory = app.add_option(
      "--make-certificates", o.certificates,
      "Directory in which to make a CA, and certificates of server and client");
  auto* cert = app.add_option("--tls-cert", o.tls_cert, "PEM certificate");
  auto* key = app.add_option("--tls-key", o.tls_key, "PEM private key");
  auto* ca = app.add_option(
      "--client-ca", o.client_ca,
      "PEM certificates of the authorities that may sign clients");
  cert->needs(key)->needs(ca)->excludes(directory);
  app.add_option("--tls-version", o.tls_version, "Only that one")
      ->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--behaviour", o.behaviour,
                 "JSON object of peculiarities (see README.md)");
}

class KmipCommandLine : public emulators::CommandLine {
 public:
  explicit KmipCommandLine(Options& options)
      : CommandLine(
            "kmip-emulator",
            "A KMIP server for development and tests. It keeps nothing."),
        options_(options) {}

 private:
  void Describe(CLI::App& app) override { DescribeServers(app, options_); }

  std::string Check() override {
    const Options& o = options_;
    if (o.certificates.empty() && o.tls_cert.empty()) {
      return "--make-certificates or --tls-cert is needed";
    }
    if (!o.ports.empty() && o.ports.size() != static_cast<size_t>(o.servers)) {
      return "--port must be given once for each server";
    }
    return "";
  }

  Options& options_;
};

}  // namespace

std::optional<int> ParseOptions(int argc, char** argv, Options& options) {
  return KmipCommandLine(options).Parse(argc, argv, options);
}

}  // namespace kmip_server
