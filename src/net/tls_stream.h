// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_TLS_STREAM_H_
#define OPENKEYRING_NET_TLS_STREAM_H_

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/socket.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "os/file_system.h"

namespace openkeyring {

// TLS connections by OpenSSL, with a client certificate. No threads, no
// signals, nothing blocks beyond its deadline (but see ResolveHost).
//
// The addresses of a host are kept while connections to them succeed, and are
// still used when the name service has no answer: its being away does not
// disturb reconnecting. An address that has become somebody else's is noticed
// by the certificate.
//
// It must live longer than its streams.
class TlsConnector : public StreamConnector {
 public:
  // kMisconfigured when the options or their files cannot be used.
  static Result<std::unique_ptr<TlsConnector>> Make(TlsOptions options,
                                                    FileSystem& files);

  Result<std::unique_ptr<ByteStream>> Connect(
      const std::string& host, int port, const Deadline& deadline) override;

  // When the client certificate in use ends; nothing when there is none.
  std::optional<WallTime> CertificateExpiry() const {
    return contexts_.CertificateExpiry();
  }

 private:
  using Host = std::pair<std::string, int>;
  using Addresses = std::vector<SocketAddress>;

  struct Known {
    Addresses addresses;
    bool worked = false;  // The last time.
  };

  TlsConnector(TlsOptions options, FileSystem& files);
  Known KnownOf(const Host& host);
  void Remember(const Host& host, Known known);
  Result<std::unique_ptr<ByteStream>> ConnectTo(const Host& host,
                                                const Addresses& addresses,
                                                const Deadline& deadline);

  const TlsOptions options_;
  TlsContextSource contexts_;
  std::mutex mutex_;
  std::map<Host, Known> known_;  // Guarded by mutex_.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_TLS_STREAM_H_
