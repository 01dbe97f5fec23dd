// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_TLS_CONTEXT_H_
#define OPENKEYRING_NET_TLS_CONTEXT_H_

#include <openssl/types.h>
#include <time.h>

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "net/tls_options.h"
#include "os/clock.h"
#include "os/file_system.h"

namespace openkeyring {

// OpenSSL's settings for connections, made of the files that the options name.
// kMisconfigured, with the option and the cure, when one of them cannot be
// used: not there, not PEM, encrypted, of two different keys.
//
// Threads: Get may be called concurrently.
class TlsContextSource {
 public:
  TlsContextSource(const TlsOptions& options, FileSystem& files);

  // Made again when a file was replaced. While new files do not fit together,
  // as in the middle of a renewal, the old settings stay in use.
  Result<std::shared_ptr<SSL_CTX>> Get();

  // When the certificate of the newest settings ends; nothing without one.
  // Takes no lock.
  std::optional<WallTime> CertificateExpiry() const;

 private:
  static constexpr time_t kNoExpiry = std::numeric_limits<time_t>::min();

  using Stamps = std::vector<std::pair<uint64_t, int64_t>>;  // Size, time.

  static time_t ExpiryOf(const X509* certificate);
  Stamps LookAtFiles() const;
  Result<std::shared_ptr<SSL_CTX>> Make() const;
  Status UseTrust(SSL_CTX* context) const;
  Status UseCertificate(SSL_CTX* context) const;
  Status UseKey(SSL_CTX* context) const;
  Result<Secret> ReadFile(const std::string& option,
                          const std::string& path) const;

  const TlsOptions& options_;  // Borrowed.
  FileSystem& files_;
  std::mutex mutex_;  // Guards what follows.
  Stamps stamps_;
  std::shared_ptr<SSL_CTX> context_;
  std::atomic<time_t> expiry_{kNoExpiry};  // Of the certificate in context_.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_TLS_CONTEXT_H_
