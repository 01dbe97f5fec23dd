// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CRYPTO_SEALING_H_
#define OPENKEYRING_CRYPTO_SEALING_H_

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <array>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace openkeyring {

using Digest256 = std::array<uint8_t, 32>;
Digest256 Sha256(ByteView bytes);

constexpr size_t kSealTag = 16;

// Sealing under one 32-byte data key, with a key and a nonce of their own for
// each salt (docs/file_formats.md, "Sealed keyring file"): AES-256-GCM under
// HKDF-SHA-256. Salts must be random, then nothing ever repeats.
//
// kInternal when OpenSSL refuses (FIPS providers that lack an algorithm).
// Threads: one object is not synchronised.
class Sealing {
 public:
  // `context` goes into every derivation: what one context sealed does not
  // open under another.
  static Result<std::unique_ptr<Sealing>> Make(const Secret& data_key,
                                               ByteView context);

  // The encrypted text with its tag behind it.
  Result<Bytes> Seal(ByteView salt, ByteView additional,
                     const Secret& plaintext);
  // kCorrupt unless it was sealed with this very salt and additional data.
  Result<Secret> Open(ByteView salt, ByteView additional, ByteView sealed);

 private:
  struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  };
  struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* context) const {
      EVP_CIPHER_CTX_free(context);
    }
  };

  Sealing() = default;
  Result<Secret> DeriveKeyAndNonce(ByteView salt);

  Secret data_key_;
  Bytes info_;
  std::unique_ptr<EVP_KDF, FreeKdf> kdf_;
  std::unique_ptr<EVP_CIPHER, FreeCipher> cipher_;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> cipher_context_;
};

// HMAC-SHA-256 of `bytes` under HKDF(data key, salt, info).
Result<Digest256> DerivedMac(const Secret& data_key, ByteView salt,
                             std::string_view info, ByteView bytes);

// Whether two digests are equal, in constant time.
bool SameDigest(ByteView left, ByteView right);

}  // namespace openkeyring

#endif  // OPENKEYRING_CRYPTO_SEALING_H_
