// SPDX-License-Identifier: MIT
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <string>

namespace openkeyring {
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

Sha256Hasher::Sha256Hasher()
    : digest_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      context_(EVP_MD_CTX_new()) {}

Result<Sha256Hasher> Sha256Hasher::Make() {
  Sha256Hasher hasher;
  if (hasher.digest_ && hasher.context_) return hasher;
  return AlgorithmRefused("SHA-256");
}

Status Sha256Hasher::Digest(ByteView first, Parts rest, Output digest) {
  EVP_MD_CTX* const context = context_.get();
  bool done = EVP_DigestInit_ex2(context, digest_.get(), nullptr) == 1 &&
              EVP_DigestUpdate(context, first.data(), first.size()) == 1;
  for (const ByteView part : rest) {
    done = done && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  }
  done = done && EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
  return done ? Status::Ok() : AlgorithmRefused("SHA-256");
}

Status Sha256Hasher::Hmac(ByteView key, Parts parts, Output mac) {
  const std::span<uint8_t> block = block_.RevealMutable();
  constexpr uint8_t kInner = 0x36, kOuter = 0x5c;
  std::ranges::fill(block, uint8_t{0});
  if (key.size() > block.size()) {
    Status status = Digest({key}, block.first<32>());
    if (!status.ok()) return status;
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (uint8_t& byte : block) byte ^= kInner;
  Status status = Digest(block, parts, mac);
  if (!status.ok()) return status;
  for (uint8_t& byte : block) byte ^= kInner ^ kOuter;
  return Digest(block, {mac}, mac);
}

// By another string, which takes the place of all that a context keeps: to
// reset it frees memory, which takes far longer in MySQL's server.
void Sha256Hasher::Wipe() {
  Digest256 none;
  (void)Digest({}, none);
  OPENSSL_cleanse(block_.RevealMutable().data(), block_.size());
}

Result<HkdfSha256> HkdfSha256::Make() {
  Result<Sha256Hasher> hasher = Sha256Hasher::Make();
  if (!hasher) return hasher.error();
  return HkdfSha256(std::move(*hasher));
}

Status HkdfSha256::Derive(const Secret& key, ByteView salt, ByteView info,
                          std::span<uint8_t> derived) {
  const auto extracted = extracted_.RevealMutable().first<32>();
  const auto block = block_.RevealMutable().first<32>();
  Status status = hasher_.Hmac(salt, {key.RevealBytes()}, extracted);
  ByteView previous;
  for (uint8_t number = 1; status.ok() && !derived.empty(); ++number) {
    status = hasher_.Hmac(extracted, {previous, info, {&number, 1}}, block);
    const size_t size = std::min(derived.size(), block.size());
    std::copy_n(block.begin(), size, derived.begin());
    derived = derived.subspan(size);
    previous = block;
  }
  hasher_.Wipe();
  OPENSSL_cleanse(extracted.data(), extracted.size());
  OPENSSL_cleanse(block.data(), block.size());
  return status;
}

bool DigestsEqual(ByteView left, ByteView right) {
  return left.size() == right.size() &&
         CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace openkeyring
