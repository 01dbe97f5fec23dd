// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_OPTIONS_H_
#define OPENKEYRING_EMULATORS_KMS_OPTIONS_H_

#include <string>
#include <vector>

#include "emulators/shared/options.h"

namespace kms_emulator {

// The command line, as strings; what --help says about each.
struct Options : emulators::Options {
  std::string listen = "127.0.0.1";
  bool allow_non_loopback = false;
  int port = 0;
  std::string tls_cert, tls_key;
  std::string state_file;
  std::string identities_file;
  std::string account = "111122223333";
  std::vector<std::string> regions;      // Never empty.
  std::vector<std::string> create_keys;  // "alias/NAME" or "alias/NAME=id"
  std::vector<std::string> replicas;     // "mrk-...=region"
  std::vector<std::string> access_keys;  // "ID:SECRET"
  std::string imds_role = "emulator-role";
  int max_connections = 256;
  double requests_per_second = 0;  // 0: no quota.
  double burst = 0;                // 0: a second's worth.
  double error_percent = 0;
};

// Fills the options, or says with which status to exit, see CommandLine::Parse.
std::optional<int> ParseOptions(int argc, char** argv, Options& options);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_OPTIONS_H_
