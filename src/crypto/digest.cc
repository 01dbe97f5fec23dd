// SPDX-License-Identifier: MIT
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <string>

namespace openkeyring {
namespace {

// OpenSSL takes parameters by pointers that are not const, and only reads them.
OSSL_PARAM OctetParameter(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(
      name, const_cast<uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

Status AlgorithmRefused(const char* algorithm) {
  return {
      StatusCode::kInternal,
      std::string("OpenSSL refuses ") + algorithm +
          ": check that an active provider has it (openssl list -providers)"};
}

Result<Digest256> Sha256(ByteView bytes) {
  Digest256 digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr,
                 EVP_sha256(), nullptr) != 1) {
    return AlgorithmRefused("SHA-256");
  }
  return digest;
}

Result<Digest256> HmacSha256(const Secret& key, ByteView bytes) {
  Digest256 mac{};
  if (HMAC(EVP_sha256(), key.RevealBytes().data(), static_cast<int>(key.size()),
           bytes.data(), bytes.size(), mac.data(), nullptr) == nullptr) {
    return AlgorithmRefused("HMAC-SHA-256");
  }
  return mac;
}

Result<HkdfSha256> HkdfSha256::Make() {
  HkdfSha256 hkdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  if (hkdf.kdf_ == nullptr) return AlgorithmRefused("HKDF-SHA-256");
  return hkdf;
}

Result<Secret> HkdfSha256::Derive(const Secret& key, ByteView salt,
                                  ByteView info, size_t size) const {
  const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(
      EVP_KDF_CTX_new(kdf_.get()), EVP_KDF_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OctetParameter(OSSL_KDF_PARAM_KEY, key.RevealBytes()),
      OctetParameter(OSSL_KDF_PARAM_SALT, salt),
      OctetParameter(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  Secret derived(size);
  if (context == nullptr ||
      EVP_KDF_derive(context.get(), derived.RevealMutable().data(), size,
                     parameters) != 1) {
    return AlgorithmRefused("HKDF-SHA-256");
  }
  return derived;
}

bool DigestsEqual(ByteView left, ByteView right) {
  return left.size() == right.size() &&
         CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace openkeyring
