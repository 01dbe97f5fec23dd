// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_OPTIONS_H_
#define OPENKEYRING_EMULATORS_KMIP_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

namespace kmip_server {

// The command line; what --help says about each.
struct Options {
  int servers = 1;
  std::vector<int> ports;  // As many as servers, or none.
  int control_port = 0;
  std::string certificates;  // A directory to make them in.
  std::string tls_cert, tls_key, client_ca;
  std::string tls_version;  // "", "1.2" or "1.3"
  std::string behaviour;    // JSON
  int latency_ms = 0;       // Of every answer.
  std::string ready_file;
  int parent_pid = 0;
};

// Nothing to do (with the exit status) after --help or a mistake, which has
// then been printed.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_status = 0;
};
ParsedOptions ParseOptions(int argc, char** argv);

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_OPTIONS_H_
