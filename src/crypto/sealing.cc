// SPDX-License-Identifier: MIT
#include "crypto/sealing.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <string>
#include <utility>

#include "base/byte_codec.h"

namespace openkeyring {
namespace {

constexpr size_t kKey = 32, kNonce = 12;
constexpr std::string_view kRecordInfo = "openkeyring sealed record";

Status Refused(const char* what) {
  return {StatusCode::kInternal,
          std::string("OpenSSL refuses ") + what +
              ": is a provider active that lacks the algorithm?"};
}

// OpenSSL takes parameters by pointers that are not const, and only reads them.
OSSL_PARAM OctetParameter(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(
      name, const_cast<uint8_t*>(bytes.data()), bytes.size());
}

Result<Secret> Hkdf(EVP_KDF* kdf, const Secret& data_key, ByteView salt,
                    ByteView info, size_t size) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OctetParameter(OSSL_KDF_PARAM_KEY, data_key.RevealBytes()),
      OctetParameter(OSSL_KDF_PARAM_SALT, salt),
      OctetParameter(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(
      EVP_KDF_CTX_new(kdf), EVP_KDF_CTX_free);
  Secret derived(size);
  if (context == nullptr ||
      EVP_KDF_derive(context.get(), derived.RevealMutable().data(), size,
                     parameters) <= 0) {
    return Refused("HKDF-SHA-256");
  }
  return derived;
}

}  // namespace

Digest256 Sha256(ByteView bytes) {
  Digest256 digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(),
             nullptr);
  return digest;
}

Result<std::unique_ptr<Sealing>> Sealing::Make(const Secret& data_key,
                                               ByteView context) {
  std::unique_ptr<Sealing> sealing(new Sealing());
  sealing->data_key_ = data_key.Clone();
  PutBytes(sealing->info_, AsBytes(kRecordInfo));
  PutBytes(sealing->info_, context);
  sealing->kdf_.reset(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  sealing->cipher_.reset(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  sealing->cipher_context_.reset(EVP_CIPHER_CTX_new());
  if (!sealing->kdf_ || !sealing->cipher_ || !sealing->cipher_context_) {
    return Refused("HKDF or AES-256-GCM");
  }
  return sealing;
}

Result<Secret> Sealing::DeriveKeyAndNonce(ByteView salt) {
  return Hkdf(kdf_.get(), data_key_, salt, info_, kKey + kNonce);
}

Result<Bytes> Sealing::Seal(ByteView salt, ByteView additional,
                            const Secret& plaintext) {
  Result<Secret> once = DeriveKeyAndNonce(salt);
  if (!once) return once.error();
  const uint8_t* key = once->RevealBytes().data();
  EVP_CIPHER_CTX* const context = cipher_context_.get();
  Bytes sealed(plaintext.size() + kSealTag);
  uint8_t* const tag = sealed.data() + plaintext.size();
  int size = 0, last = 0;
  const bool done =
      EVP_EncryptInit_ex2(context, cipher_.get(), key, key + kKey, nullptr) &&
      EVP_EncryptUpdate(context, nullptr, &size, additional.data(),
                        static_cast<int>(additional.size())) &&
      EVP_EncryptUpdate(context, sealed.data(), &size,
                        plaintext.RevealBytes().data(),
                        static_cast<int>(plaintext.size())) &&
      EVP_EncryptFinal_ex(context, sealed.data() + size, &last) &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kSealTag, tag);
  EVP_CIPHER_CTX_reset(context);  // Forgets the key.
  if (!done) return Refused("AES-256-GCM");
  return sealed;
}

Result<Secret> Sealing::Open(ByteView salt, ByteView additional,
                             ByteView sealed) {
  if (sealed.size() < kSealTag) {
    return Status(StatusCode::kCorrupt, "sealed text without a whole tag");
  }
  Result<Secret> once = DeriveKeyAndNonce(salt);
  if (!once) return once.error();
  const uint8_t* key = once->RevealBytes().data();
  EVP_CIPHER_CTX* const context = cipher_context_.get();
  const ByteView text = sealed.first(sealed.size() - kSealTag);
  Bytes tag(sealed.end() - kSealTag, sealed.end());
  Secret plaintext(text.size());
  int size = 0, last = 0;
  uint8_t none = 0;  // Where the last block would go; GCM has none.
  const bool begun =
      EVP_DecryptInit_ex2(context, cipher_.get(), key, key + kKey, nullptr) &&
      EVP_DecryptUpdate(context, nullptr, &size, additional.data(),
                        static_cast<int>(additional.size())) &&
      EVP_DecryptUpdate(context, plaintext.RevealMutable().data(), &size,
                        text.data(), static_cast<int>(text.size())) &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kSealTag, tag.data());
  const bool authentic =
      begun && EVP_DecryptFinal_ex(context, &none, &last) == 1;
  EVP_CIPHER_CTX_reset(context);
  if (!begun) return Refused("AES-256-GCM");
  if (!authentic) {
    return Status(StatusCode::kCorrupt, "sealed text was changed");
  }
  return plaintext;
}

Result<Digest256> DerivedMac(const Secret& data_key, ByteView salt,
                             std::string_view info, ByteView bytes) {
  const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  if (kdf == nullptr) return Refused("HKDF");
  Digest256 mac{};
  Result<Secret> key =
      Hkdf(kdf.get(), data_key, salt, AsBytes(info), mac.size());
  if (!key) return key.error();
  if (HMAC(EVP_sha256(), key->RevealBytes().data(),
           static_cast<int>(key->size()), bytes.data(), bytes.size(),
           mac.data(), nullptr) == nullptr) {
    return Refused("HMAC-SHA-256");
  }
  return mac;
}

bool SameDigest(ByteView left, ByteView right) {
  return left.size() == right.size() &&
         CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace openkeyring
