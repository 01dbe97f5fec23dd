// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_TRUST_STORE_H_
#define OPENKEYRING_NET_TRUST_STORE_H_

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace openkeyring {

// The certificate authorities that a client trusts, parsed once for all of its
// connections: a system's bundle has some 140, which take OpenSSL 3.0 about
// 20 ms and 1 MB, and libcurl by itself parses them anew for every connection.
//
// Threads: all methods may be called at once. Those who come while the file is
// being parsed wait for it instead of doing the same.
class TrustStore {
 public:
  // `file` is in PEM; `folder` holds certificates by hash, as OpenSSL's CApath,
  // and is looked into as needed; "" for none.
  TrustStore(std::string file, std::string folder);

  // Parsed anew when the file was replaced or changed. Null when it cannot be
  // read: then let the TLS library try, and say why.
  std::shared_ptr<X509_STORE> Get();

 private:
  // By which a changed file is noticed.
  using Stamp = std::pair<uint64_t, int64_t>;  // Size, time of modification.

  std::shared_ptr<X509_STORE> Parse() const;

  const std::string file_;
  const std::string folder_;
  std::mutex mutex_;  // Guards all below.
  Stamp stamp_;
  std::shared_ptr<X509_STORE> store_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_TRUST_STORE_H_
