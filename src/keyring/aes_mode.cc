// SPDX-License-Identifier: MIT
#include "keyring/aes_mode.h"

#include <climits>
#include <memory>
#include <string>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr size_t kKeyBits = 256;

Status Invalid(std::string text) {
  return {StatusCode::kInvalidArgument, std::move(text)};
}

}  // namespace

Result<AesMode> AesMode::Find(std::string_view name, size_t key_bits) {
  const struct {
    std::string_view name;
    const EVP_CIPHER* (*cipher)();
  } modes[] = {{"cbc", EVP_aes_256_cbc},
               {"cfb1", EVP_aes_256_cfb1},
               {"cfb8", EVP_aes_256_cfb8},
               {"cfb128", EVP_aes_256_cfb128},
               {"ofb", EVP_aes_256_ofb}};
  for (const auto& mode : modes) {
    if (mode.name == name && key_bits == kKeyBits) {
      return AesMode(mode.cipher());
    }
  }
  return Invalid("there is no AES mode " + std::string(name) + " with " +
                 std::to_string(key_bits) + " bits");
}

size_t AesMode::EncryptedSize(size_t plain_size) const {
  const auto block = static_cast<size_t>(EVP_CIPHER_get_block_size(cipher_));
  return block > 1 ? block * (plain_size / block) + block : plain_size;
}

Result<size_t> AesMode::Encrypt(const Key& key, const uint8_t* iv, bool padding,
                                ByteView text, std::span<uint8_t> out) const {
  if (out.size() < EncryptedSize(text.size())) {
    return Invalid("the buffer is too small for what is encrypted");
  }
  return Run(true, key, iv, padding, text, out);
}

Result<size_t> AesMode::Decrypt(const Key& key, const uint8_t* iv, bool padding,
                                ByteView text, std::span<uint8_t> out) const {
  if (out.size() < text.size()) {
    return Invalid("the buffer is too small for what is decrypted");
  }
  return Run(false, key, iv, padding, text, out);
}

Result<size_t> AesMode::Run(bool encrypt, const Key& key, const uint8_t* iv,
                            bool padding, ByteView text,
                            std::span<uint8_t> out) const {
  if (AsciiLower(key.type) != "aes") {
    return Invalid(ToString(key.name) + " is not of type AES");
  }
  if (iv == nullptr || text.size() > INT_MAX - 2 * kIvBytes) {
    return Invalid("no IV, or too much text");
  }
  Secret aes_key(32);
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0, last = 0;
  const bool begun =
      context != nullptr &&
      EVP_Digest(key.data.RevealBytes().data(), key.data.size(),
                 aes_key.RevealMutable().data(), nullptr, EVP_sha256(),
                 nullptr) &&
      EVP_CipherInit_ex(context.get(), cipher_, nullptr,
                        aes_key.RevealBytes().data(), iv, encrypt ? 1 : 0) &&
      EVP_CIPHER_CTX_set_padding(context.get(), padding ? 1 : 0);
  if (!begun) return Status(StatusCode::kInternal, "OpenSSL refuses AES-256");
  if (!EVP_CipherUpdate(context.get(), out.data(), &size, text.data(),
                        static_cast<int>(text.size())) ||
      !EVP_CipherFinal_ex(context.get(), out.data() + size, &last)) {
    return Status(StatusCode::kCorrupt,
                  "the text is not whole, or was encrypted in another way");
  }
  return static_cast<size_t>(size + last);
}

}  // namespace openkeyring
