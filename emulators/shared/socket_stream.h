// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_SHARED_SOCKET_STREAM_H_
#define OPENKEYRING_EMULATORS_SHARED_SOCKET_STREAM_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "emulators/shared/counters.h"
#include "emulators/shared/http_reader.h"

namespace emulators {

using openkeyring::Result;
using openkeyring::Status;
using openkeyring::StatusCode;

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// A server's context: TLS 1.2 or 1.3, no renegotiation. kMisconfigured when the
// PEM files cannot be used together.
Result<TlsContext> MakeTlsContext(const std::string& certificate,
                                  const std::string& key);

// Bytes of an accepted socket, which stays the caller's.
std::unique_ptr<Stream> PlainStream(int fd);

// The same under TLS, after a handshake; nothing when that failed. Both are
// counted: one successful handshake a connection, since there is no
// renegotiation. The destructor sends close_notify.
std::unique_ptr<Stream> TlsStream(int fd, SSL_CTX& context, Counters& counters);

}  // namespace emulators

#endif  // OPENKEYRING_EMULATORS_SHARED_SOCKET_STREAM_H_
