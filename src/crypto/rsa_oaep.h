// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CRYPTO_RSA_OAEP_H_
#define OPENKEYRING_CRYPTO_RSA_OAEP_H_

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/digest.h"

// RSA-OAEP (RFC 8017 7.1) with SHA-256 for the hash and for MGF1, and an empty
// label: what opens with
//   openssl pkeyutl -decrypt -inkey PRIVATE.pem -pkeyopt
//     rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
//
// Threads: all const methods may be called concurrently.
namespace openkeyring {

constexpr int kLeastRsaBits = 3072;  // 128 bits of strength (NIST SP 800-57).

// Encrypts what only the holder of the private key can read. Copies share the
// key.
class RsaPublicKey {
 public:
  // One PEM block "PUBLIC KEY" (SubjectPublicKeyInfo), with any text around it.
  // kMisconfigured, with a message that continues "FILE: ": not such a block,
  // more than one, not RSA, fewer than kLeastRsaBits bits or not a valid key;
  // and for a private key, which must not lie on a database server.
  static Result<RsaPublicKey> FromPem(std::string_view pem);

  // SHA-256 of the DER encoding of SubjectPublicKeyInfo:
  //   openssl pkey -pubin -in PUBLIC.pem -outform DER | sha256sum
  const Digest256& fingerprint() const { return fingerprint_; }
  int bits() const { return EVP_PKEY_get_bits(key_.get()); }

  // As long as the modulus, different each time. kInvalidArgument for more than
  // fits (the modulus less 66 bytes), kInternal when OpenSSL refuses.
  Result<Bytes> Encrypt(const Secret& plaintext) const;

 private:
  RsaPublicKey(std::shared_ptr<EVP_PKEY> key, Digest256 fingerprint)
      : key_(std::move(key)), fingerprint_(fingerprint) {}

  std::shared_ptr<EVP_PKEY> key_;
  Digest256 fingerprint_;
};

// The other half, for recovery. OpenSSL keeps it in ordinary memory and wipes
// it there: never loaded by a database server.
class RsaPrivateKey {
 public:
  // A PEM block of a private key in any form that OpenSSL reads. kDenied when
  // it is encrypted and `passphrase` is empty or wrong; kMisconfigured when it
  // is not an RSA private key. The size is not checked: a file that was
  // encrypted to it must open.
  static Result<RsaPrivateKey> FromPem(const Secret& pem,
                                       const Secret& passphrase);

  // Equal to the public half's.
  const Digest256& fingerprint() const { return fingerprint_; }

  // kCorrupt when it was encrypted to another key or is damaged.
  Result<Secret> Decrypt(ByteView ciphertext) const;

 private:
  RsaPrivateKey(std::shared_ptr<EVP_PKEY> key, Digest256 fingerprint)
      : key_(std::move(key)), fingerprint_(fingerprint) {}

  std::shared_ptr<EVP_PKEY> key_;
  Digest256 fingerprint_;
};

// "SHA256:" and 64 hex digits: how a key is called in messages and files.
std::string FingerprintText(const Digest256& fingerprint);

}  // namespace openkeyring

#endif  // OPENKEYRING_CRYPTO_RSA_OAEP_H_
