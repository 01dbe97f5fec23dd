// SPDX-License-Identifier: MIT
#include "emulators/kms/options.h"

#include <CLI/CLI.hpp>

#include "net/url.h"

namespace kms_emulator {
namespace {

constexpr const char* kDefaultRegion = "us-east-1";

void DescribeListening(CLI::App& app, Options& o) {
  app.add_option("--listen", o.listen, "Numeric address to listen on")
      ->capture_default_str();
  app.add_flag("--allow-non-loopback", o.allow_non_loopback,
               "Let --listen name an address that others can reach");
  app.add_option("--port", o.port, "Port of the services; 0: a free one");
  auto* cert = app.add_option("--tls-cert", o.tls_cert,
                              "PEM certificate chain: serve HTTPS");
  auto* key = app.add_option("--tls-key", o.tls_key, "PEM private key");
  cert->needs(key);
  key->needs(cert);
  app.add_option("--max-connections", o.max_connections,
                 "Connections served concurrently, a thread each; more wait")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
}

void DescribeContent(CLI::App& app, Options& o) {
  app.add_option("--state", o.state_file,
                 "JSON file that keeps keys and identities");
  app.add_option("--identities", o.identities_file,
                 "JSON file of identities to add (see README.md)");
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
}

void DescribeAvailability(CLI::App& app, Options& o) {
  auto* rate = app.add_option("--requests-per-second", o.requests_per_second,
                              "Request quota of KMS; what exceeds it is "
                              "ThrottlingException; 0: none")
                   ->check(CLI::NonNegativeNumber);
  app.add_option("--burst", o.burst,
                 "Requests that may come at once; default: a second's worth")
      ->check(CLI::PositiveNumber)
      ->needs(rate);
  app.add_option("--error-percent", o.error_percent,
                 "Of 100 requests of KMS, so many end in KMSInternalException")
      ->check(CLI::Range(0.0, 100.0));
}

class KmsCommandLine : public emulators::CommandLine {
 public:
  explicit KmsCommandLine(Options& options)
      : CommandLine(
            "kms-emulator",
            "An emulator of AWS KMS for development and tests. Not a KMS."),
        options_(options) {}

 private:
  void Describe(CLI::App& app) override {
    DescribeListening(app, options_);
    DescribeContent(app, options_);
    DescribeAvailability(app, options_);
  }

  std::string Check() override {
    Options& o = options_;
    if (o.regions.empty()) o.regions = {kDefaultRegion};
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

  Options& options_;
};

}  // namespace

std::optional<int> ParseOptions(int argc, char** argv, Options& options) {
  return KmsCommandLine(options).Parse(argc, argv, options);
}

}  // namespace kms_emulator
