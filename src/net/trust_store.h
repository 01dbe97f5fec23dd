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

// The certificate authorities that a client trusts, shared by all of its
// connections: a system's bundle has some 140, which take OpenSSL 3.0 about
// 20 ms and 1 MB, and libcurl by itself parses them again for every connection.
// When the directory has them all, only those are kept in memory that a
// server's certificate led to.
//
// Threads: all methods may be called concurrently. Callers that come while the
// file is being parsed wait for it instead of parsing it too.
class TrustStore {
 public:
  // `file` is in PEM; `directory` holds certificates by hash, as OpenSSL's
  // CApath, and is looked into as needed; "" for none.
  TrustStore(std::string file, std::string directory);

  // Made again when the file or the directory was replaced or changed; an
  // authority added to the directory is also seen without that. Null when the
  // file cannot be read: then let the TLS library try, and say why.
  std::shared_ptr<X509_STORE> Get();

 private:
  // By which a changed file or directory is noticed.
  using Stamp = std::pair<uint64_t, int64_t>;  // Size, time of modification.

  static Stamp StampOf(const std::string& path);  // Zeros: not there.
  std::shared_ptr<X509_STORE> Make() const;
  // Whether each certificate of the file can be found in the directory. False
  // for a file without any, and for links that lead nowhere, as in a container
  // that got a copy of the directory only.
  bool DirectoryHasAll() const;

  const std::string file_;
  const std::string directory_;
  std::mutex mutex_;  // Guards all below.
  Stamp file_stamp_, directory_stamp_;
  std::shared_ptr<X509_STORE> store_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_TRUST_STORE_H_
