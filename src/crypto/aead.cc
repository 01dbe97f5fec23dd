// SPDX-License-Identifier: MIT
#include "crypto/aead.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

namespace openkeyring {
namespace {

constexpr size_t kKey = 32, kNonce = 12;
constexpr char kCipher[] = "AES-256-GCM";

}  // namespace

Result<std::unique_ptr<DerivedKeyAead>> DerivedKeyAead::Make(
    const Secret& data_key, ByteView info) {
  Result<HkdfSha256> hkdf = HkdfSha256::Make();
  if (!hkdf) return hkdf.error();
  std::unique_ptr<DerivedKeyAead> aead(new DerivedKeyAead(std::move(*hkdf)));
  aead->data_key_ = data_key.Clone();
  aead->once_ = Secret(kKey + kNonce);
  aead->info_.assign(info.begin(), info.end());
  aead->cipher_.reset(EVP_CIPHER_fetch(nullptr, kCipher, nullptr));
  aead->context_.reset(EVP_CIPHER_CTX_new());
  if (!aead->cipher_ || !aead->context_) return AlgorithmRefused(kCipher);
  return aead;
}

Result<const uint8_t*> DerivedKeyAead::DeriveKeyAndNonce(ByteView salt) {
  Status status = hkdf_.Derive(data_key_, salt, info_, once_.RevealMutable());
  if (!status.ok()) return status;
  return once_.RevealBytes().data();
}

void DerivedKeyAead::Wipe() {
  EVP_CIPHER_CTX_reset(context_.get());  // And with it the key schedule.
  OPENSSL_cleanse(once_.RevealMutable().data(), once_.size());
}

Result<Bytes> DerivedKeyAead::Seal(ByteView salt, ByteView additional_data,
                                   const Secret& plaintext) {
  const Result<const uint8_t*> once = DeriveKeyAndNonce(salt);
  if (!once) return once.error();
  const uint8_t* const key = *once;
  EVP_CIPHER_CTX* const context = context_.get();
  Bytes sealed(plaintext.size() + kAeadTag);
  uint8_t* const tag = sealed.data() + plaintext.size();
  int size = 0, last = 0;
  const bool done =
      EVP_EncryptInit_ex2(context, cipher_.get(), key, key + kKey, nullptr) &&
      EVP_EncryptUpdate(context, nullptr, &size, additional_data.data(),
                        static_cast<int>(additional_data.size())) &&
      EVP_EncryptUpdate(context, sealed.data(), &size,
                        plaintext.RevealBytes().data(),
                        static_cast<int>(plaintext.size())) &&
      EVP_EncryptFinal_ex(context, sealed.data() + size, &last) &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTag, tag);
  Wipe();
  if (!done) return AlgorithmRefused(kCipher);
  return sealed;
}

Result<Secret> DerivedKeyAead::Open(ByteView salt, ByteView additional_data,
                                    ByteView sealed) {
  if (sealed.size() < kAeadTag) {
    return Status(StatusCode::kCorrupt, "a ciphertext without a complete tag");
  }
  const Result<const uint8_t*> once = DeriveKeyAndNonce(salt);
  if (!once) return once.error();
  const uint8_t* const key = *once;
  EVP_CIPHER_CTX* const context = context_.get();
  const ByteView text = sealed.first(sealed.size() - kAeadTag);
  std::array<uint8_t, kAeadTag> tag;
  std::copy(sealed.end() - kAeadTag, sealed.end(), tag.begin());
  Secret plaintext(text.size());
  int size = 0, last = 0;
  uint8_t none = 0;  // Where the last block would go; GCM has none.
  const bool begun =
      EVP_DecryptInit_ex2(context, cipher_.get(), key, key + kKey, nullptr) &&
      EVP_DecryptUpdate(context, nullptr, &size, additional_data.data(),
                        static_cast<int>(additional_data.size())) &&
      EVP_DecryptUpdate(context, plaintext.RevealMutable().data(), &size,
                        text.data(), static_cast<int>(text.size())) &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTag, tag.data());
  const bool authentic =
      begun && EVP_DecryptFinal_ex(context, &none, &last) == 1;
  Wipe();
  if (!begun) return AlgorithmRefused(kCipher);
  if (!authentic) {
    return Status(StatusCode::kCorrupt, "the ciphertext does not authenticate");
  }
  return plaintext;
}

bool DerivedKeyAead::HoldsKeySchedule() const {
  return EVP_CIPHER_CTX_get0_cipher(context_.get()) != nullptr;
}

}  // namespace openkeyring
