// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_SOCKET_BIO_H_
#define OPENKEYRING_NET_SOCKET_BIO_H_

#include <openssl/types.h>

namespace openkeyring {

// Joins `ssl` to a non-blocking socket, which stays the caller's. OpenSSL's own
// way would raise SIGPIPE in the host server when the other side is gone. False
// when memory ran out.
[[nodiscard]] bool UseSocket(SSL* ssl, int fd);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_SOCKET_BIO_H_
