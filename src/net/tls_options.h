// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_TLS_OPTIONS_H_
#define OPENKEYRING_NET_TLS_OPTIONS_H_

#include <string>

#include "base/secret.h"
#include "os/clock.h"

namespace openkeyring {

// How a TLS client authenticates, and what it requires of the server. All files
// are PEM; they are read again for the next connection after they changed.
struct TlsOptions {
  std::string ca_file;  // Authorities for the server; "": the system's.
  std::string certificate_file;  // Ours, and then its chain; "": none.
  std::string key_file;
  Secret key_password;  // Empty: the key is not encrypted.
  // "1.2" or "1.3".
  std::string minimum_version = "1.2";
  // Both on unless the user said otherwise: without the first anybody can
  // pose as the server, without the second anybody with a certificate of the
  // CA.
  bool verify_certificate = true;
  bool verify_host_name = true;
  // What the product calls its options, for error messages.
  struct Names {
    std::string ca_file = "server_ca";
    std::string certificate_file = "client_ca";
    std::string key_file = "client_key";
    std::string key_password = "client_key_password_file";
    std::string minimum_version = "tls_min_version";
    std::string verify_certificate = "tls_peer_verification";
    std::string verify_host_name = "tls_hostname_verification";
  } names;
  // Bounds name, connection and handshake together.
  Millis connect_timeout{3000};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_TLS_OPTIONS_H_
