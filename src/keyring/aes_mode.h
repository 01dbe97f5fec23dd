// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_AES_MODE_H_
#define OPENKEYRING_KEYRING_AES_MODE_H_

#include <openssl/evp.h>

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "keyring/key.h"

namespace openkeyring {

// AES with a key of the keyring, as MySQL's keyring_aes service wants it:
// AES-256 in one of five modes, the key being the SHA-256 of the stored bytes.
class AesMode {
 public:
  // Names are lower case: cbc, cfb1, cfb8, cfb128, ofb; 256 bits is the only
  // size. kInvalidArgument for anything else.
  static Result<AesMode> Find(std::string_view name, size_t key_bits);

  // What encrypting may give: always one more block in block modes.
  size_t EncryptedSize(size_t plain_size) const;
  static constexpr size_t kIvBytes = 16;

  // Both write to `out` and give the size. `iv` has kIvBytes bytes. `out` needs
  // EncryptedSize, or for Decrypt the input's size. kInvalidArgument for a key
  // that is not of type AES (in any case) or a buffer that is too small,
  // kCorrupt when the text does not decrypt (wrong padding).
  Result<size_t> Encrypt(const Key& key, const uint8_t* iv, bool padding,
                         ByteView text, std::span<uint8_t> out) const;
  Result<size_t> Decrypt(const Key& key, const uint8_t* iv, bool padding,
                         ByteView text, std::span<uint8_t> out) const;

 private:
  explicit AesMode(const EVP_CIPHER* cipher) : cipher_(cipher) {}
  Result<size_t> Run(bool encrypt, const Key& key, const uint8_t* iv,
                     bool padding, ByteView text, std::span<uint8_t> out) const;

  const EVP_CIPHER* cipher_;  // OpenSSL's own.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_AES_MODE_H_
