// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_TLS_ERROR_H_
#define OPENKEYRING_NET_TLS_ERROR_H_

#include <openssl/types.h>

#include "base/status.h"
#include "net/tls_options.h"

namespace openkeyring {

// What a failed call on `ssl` means, with the fix where one is known. Reads
// and empties OpenSSL's queue of errors, which is the thread's. `peer` is
// "host:port". Call it right after the failure.
Status TlsFailure(SSL* ssl, const TlsOptions& options, const std::string& peer);

// A host's name as certificates and the handshake have it: without the dot of
// an absolute name ("kmip.example."; RFC 6066, clause 3).
std::string NameInTls(const std::string& host);

// Ok when the server's certificate is for that host (a name or an address). A
// wildcard stands for a complete label.
Status CheckTlsHost(X509* certificate, const TlsOptions& options,
                    const std::string& host);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_TLS_ERROR_H_
