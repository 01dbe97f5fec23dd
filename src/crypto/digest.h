// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CRYPTO_DIGEST_H_
#define OPENKEYRING_CRYPTO_DIGEST_H_

#include <openssl/kdf.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

// SHA-256 and what is built from it. Every function is kInternal when OpenSSL
// refuses, e.g. because a provider is active that lacks the algorithm: a digest
// that was not computed must not pass for one. Threads: all functions may be
// called concurrently.
namespace openkeyring {

using Digest256 = std::array<uint8_t, 32>;

Result<Digest256> Sha256(ByteView bytes);
Result<Digest256> HmacSha256(const Secret& key, ByteView bytes);

// HKDF-SHA-256 (RFC 5869). An object saves looking the algorithm up each time.
class HkdfSha256 {
 public:
  static Result<HkdfSha256> Make();
  // `size` bytes, at most 255 * 32.
  Result<Secret> Derive(const Secret& key, ByteView salt, ByteView info,
                        size_t size) const;

 private:
  struct Free {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  };
  explicit HkdfSha256(EVP_KDF* kdf) : kdf_(kdf) {}

  std::unique_ptr<EVP_KDF, Free> kdf_;
};

// Whether two digests are equal, in a time that depends on their sizes only.
bool DigestsEqual(ByteView left, ByteView right);

// The error for an algorithm that OpenSSL refuses.
Status AlgorithmRefused(const char* algorithm);

}  // namespace openkeyring

#endif  // OPENKEYRING_CRYPTO_DIGEST_H_
