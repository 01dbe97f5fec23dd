// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_OPTIONS_H_
#define OPENKEYRING_EMULATORS_KMS_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kms_emulator {

// The command line, as text; what --help says about each.
struct Options {
  std::string listen = "127.0.0.1";
  bool allow_non_loopback = false;
  int port = 0;
  int control_port = 0;
  std::string tls_cert, tls_key;
  std::string state_file;
  std::string identities_file;
  std::string ready_file;
  std::string account = "111122223333";
  std::vector<std::string> regions;      // Never empty.
  std::vector<std::string> create_keys;  // "alias/NAME" or "alias/NAME=id"
  std::vector<std::string> replicas;     // "mrk-...=region"
  std::vector<std::string> access_keys;  // "ID:SECRET"
  std::string imds_role = "emulator-role";
  int max_connections = 256;
  int latency_ms = 0;
  int parent_pid = 0;
};

// Nothing to do (with the exit status) after --help or a mistake, which has
// then been printed.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_status = 0;
};
ParsedOptions ParseOptions(int argc, char** argv);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_OPTIONS_H_
