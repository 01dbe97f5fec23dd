// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CRYPTO_AEAD_H_
#define OPENKEYRING_CRYPTO_AEAD_H_

#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/digest.h"

namespace openkeyring {

constexpr size_t kAeadTag = 16;  // Bytes.

// AES-256-GCM under a key and a nonce of their own for each salt: the first 32
// and the next 12 bytes of HKDF-SHA-256 from one 32-byte data key
// (docs/file_formats.md, "Sealed keyring file"). The caller never uses a salt
// for two plaintexts; then no key meets a nonce twice.
//
// kInternal when OpenSSL refuses (FIPS providers that lack an algorithm).
// Threads: one object is not synchronised.
class DerivedKeyAead {
 public:
  // `info` goes into every derivation: what was encrypted under one info does
  // not open under another. The data key is copied.
  static Result<std::unique_ptr<DerivedKeyAead>> Make(const Secret& data_key,
                                                      ByteView info);

  // Another object of the same data key and info.
  Result<std::unique_ptr<DerivedKeyAead>> Clone() const {
    return Make(data_key_, info_);
  }

  // The ciphertext, as long as the plaintext, and behind it the tag.
  Result<Bytes> Seal(ByteView salt, ByteView additional_data,
                     const Secret& plaintext);
  // kCorrupt unless it was sealed with this salt and this additional data.
  Result<Secret> Open(ByteView salt, ByteView additional_data, ByteView sealed);

  // Whether OpenSSL's context still has a key schedule: never between calls.
  bool HoldsKeySchedule() const;

 private:
  struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* context) const {
      EVP_CIPHER_CTX_free(context);
    }
  };

  explicit DerivedKeyAead(HkdfSha256 hkdf) : hkdf_(std::move(hkdf)) {}
  // The key of a salt, and behind it the nonce; valid until Wipe.
  Result<const uint8_t*> DeriveKeyAndNonce(ByteView salt);
  void Wipe();

  HkdfSha256 hkdf_;
  Secret data_key_, once_;
  Bytes info_;
  std::unique_ptr<EVP_CIPHER, FreeCipher> cipher_;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_CRYPTO_AEAD_H_
