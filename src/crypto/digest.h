// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CRYPTO_DIGEST_H_
#define OPENKEYRING_CRYPTO_DIGEST_H_

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

// SHA-256 and what is built from it. Every function is kInternal when OpenSSL
// refuses, e.g. because a provider is active that lacks the algorithm: a digest
// that was not computed must not pass for one. Threads: functions may be called
// concurrently, and distinct objects are independent; one object is not
// synchronized.
namespace openkeyring {

using Digest256 = std::array<uint8_t, 32>;

Result<Digest256> Sha256(ByteView bytes);
Result<Digest256> HmacSha256(const Secret& key, ByteView bytes);

// SHA-256 for many short strings: the algorithm is looked up once and one
// context serves for all, which is four times as fast.
class Sha256Hasher {
 public:
  // What is digested, as if in a row.
  using Parts = std::initializer_list<ByteView>;
  using Output = std::span<uint8_t, 32>;

  static Result<Sha256Hasher> Make();
  Status Digest(Parts parts, Output digest) {
    return Digest({}, parts, digest);
  }
  // HMAC (RFC 2104). `mac` may be one of the parts.
  Status Hmac(ByteView key, Parts parts, Output mac);
  // Forgets the key and what OpenSSL has of the last string.
  void Wipe();

 private:
  struct Free {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  static constexpr size_t kBlock = 64;

  Sha256Hasher();
  Status Digest(ByteView first, Parts rest, Output digest);

  std::unique_ptr<EVP_MD, Free> digest_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  Secret block_{kBlock};  // A key, padded as HMAC does.
};

// HKDF-SHA-256 (RFC 5869).
class HkdfSha256 {
 public:
  static Result<HkdfSha256> Make();
  // Fills `derived`, at most 255 * 32 bytes.
  Status Derive(const Secret& key, ByteView salt, ByteView info,
                std::span<uint8_t> derived);

 private:
  explicit HkdfSha256(Sha256Hasher hasher) : hasher_(std::move(hasher)) {}

  Sha256Hasher hasher_;
  Secret extracted_{32}, block_{32};
};

// Whether two digests are equal, in a time that depends on their sizes only.
bool DigestsEqual(ByteView left, ByteView right);

// The error for an algorithm that OpenSSL refuses.
Status AlgorithmRefused(const char* algorithm);

}  // namespace openkeyring

#endif  // OPENKEYRING_CRYPTO_DIGEST_H_
