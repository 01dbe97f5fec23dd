// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_OPTIONS_H_
#define OPENKEYRING_EMULATORS_KMIP_OPTIONS_H_

#include <string>
#include <vector>

#include "emulators/shared/options.h"

namespace kmip_server {

// The command line; what --help says about each.
struct Options : emulators::Options {
  int servers = 1;
  std::vector<int> ports;    // As many as servers, or none.
  std::string certificates;  // A directory to make them in.
  std::string tls_cert, tls_key, client_ca;
  std::string tls_version;  // "", "1.2" or "1.3"
  std::string behaviour;    // JSON
};

// Fills the options, or says with which status to exit, see CommandLine::Parse.
std::optional<int> ParseOptions(int argc, char** argv, Options& options);

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_OPTIONS_H_
