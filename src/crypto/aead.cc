// SPDX-License-Identifier: MIT
#include "crypto/aead.h"

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
  aead->info_.assign(info.begin(), info.end());
  aead->cipher_.reset(EVP_CIPHER_fetch(nullptr, kCipher, nullptr));
  aead->context_.reset(EVP_CIPHER_CTX_new());
  if (!aead->cipher_ || !aead->context_) return AlgorithmRefused(kCipher);
  return aead;
}

Result<Secret> DerivedKeyAead::DeriveKeyAndNonce(ByteView salt) const {
  return hkdf_.Derive(data_key_, salt, info_, kKey + kNonce);
}

Result<Bytes> DerivedKeyAead::Seal(ByteView salt, ByteView additional_data,
                                   const Secret& plaintext) {
  Result<Secret> once = DeriveKeyAndNonce(salt);
  if (!once) return once.error();
  const uint8_t* key = once->RevealBytes().data();
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
  EVP_CIPHER_CTX_reset(context);  // Wipes the key schedule.
  if (!done) return AlgorithmRefused(kCipher);
  return sealed;
}

Result<Secret> DerivedKeyAead::Open(ByteView salt, ByteView additional_data,
                                    ByteView sealed) {
  if (sealed.size() < kAeadTag) {
    return Status(StatusCode::kCorrupt, "a ciphertext without a complete tag");
  }
  Result<Secret> once = DeriveKeyAndNonce(salt);
  if (!once) return once.error();
  const uint8_t* key = once->RevealBytes().data();
  EVP_CIPHER_CTX* const context = context_.get();
  const ByteView text = sealed.first(sealed.size() - kAeadTag);
  Bytes tag(sealed.end() - kAeadTag, sealed.end());
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
  EVP_CIPHER_CTX_reset(context);
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
