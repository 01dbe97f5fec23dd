// SPDX-License-Identifier: MIT
#include "emulators/kms/blob.h"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/encoding.h"

namespace kms_emulator {
namespace {

constexpr size_t kNonce = 12;
constexpr size_t kTag = 16;
constexpr size_t kPrefix = 16;
constexpr size_t kHeadBeforeId = 3;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

void AppendSized(std::string_view text, Bytes& out) {
  const auto size = static_cast<uint32_t>(text.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(size >> shift));
  }
  out.insert(out.end(), text.begin(), text.end());
}

// Sizes first, so that no two contexts give the same bytes.
Bytes Authenticated(ByteView head, const Context& context) {
  Bytes bytes(head.begin(), head.end());
  for (const auto& [name, value] : context) {
    AppendSized(name, bytes);
    AppendSized(value, bytes);
  }
  return bytes;
}

size_t HeadSize(ByteView blob) { return kHeadBeforeId + blob[2] + kPrefix; }

bool WellFormed(ByteView blob) {
  if (blob.size() < kHeadBeforeId || blob[0] != 1 || blob[1] != 2) return false;
  return blob.size() >= HeadSize(blob) + kNonce + kTag;
}

Result<Bytes> Head(const std::string& key_id, const BackingKey& key) {
  Bytes head = {1, 2, static_cast<uint8_t>(key_id.size())};
  head.insert(head.end(), key_id.begin(), key_id.end());
  Result<Bytes> prefix = openkeyring::HexDecode(key.id.substr(0, 2 * kPrefix));
  if (!prefix) return prefix.error();
  head.insert(head.end(), prefix->begin(), prefix->end());
  return head;
}

// AES-256-GCM over `in`, into the end of `out`.
bool Crypt(bool seal, const BackingKey& key, ByteView nonce, ByteView aad,
           ByteView in, Bytes& out, std::span<uint8_t> tag) {
  Cipher ctx(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const size_t start = out.size();
  int n = 0;
  if (!EVP_CipherInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr,
                         key.material.data(), nonce.data(), seal ? 1 : 0) ||
      !EVP_CipherUpdate(ctx.get(), nullptr, &n, aad.data(),
                        static_cast<int>(aad.size()))) {
    return false;
  }
  out.resize(start + in.size() + kTag);
  if (!EVP_CipherUpdate(ctx.get(), out.data() + start, &n, in.data(),
                        static_cast<int>(in.size()))) {
    return false;
  }
  if (!seal &&
      !EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data())) {
    return false;
  }
  int rest = 0;
  if (EVP_CipherFinal_ex(ctx.get(), out.data() + start + n, &rest) <= 0) {
    return false;
  }
  out.resize(start + in.size());
  return !seal || EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTag,
                                      tag.data()) == 1;
}

}  // namespace

Result<Bytes> SealBlob(openkeyring::Random& random, const std::string& key_id,
                       const BackingKey& key, const Context& context,
                       ByteView plaintext) {
  Result<Bytes> blob = Head(key_id, key);
  if (!blob) return blob;
  const Bytes aad = Authenticated(*blob, context);
  std::array<uint8_t, kNonce> nonce;
  const Status status = random.Fill(nonce);
  if (!status.ok()) return status;
  blob->insert(blob->end(), nonce.begin(), nonce.end());
  std::array<uint8_t, kTag> tag;
  if (!Crypt(true, key, nonce, aad, plaintext, *blob, tag)) {
    return Status(StatusCode::kInternal, "AES-GCM failed");
  }
  blob->insert(blob->end(), tag.begin(), tag.end());
  return blob;
}

Result<BlobName> ReadBlobName(ByteView blob) {
  if (!WellFormed(blob)) {
    return Status(StatusCode::kCorrupt, "not a ciphertext blob");
  }
  BlobName name;
  name.key_id = openkeyring::AsText(blob.subspan(kHeadBeforeId, blob[2]));
  name.material_prefix =
      openkeyring::HexEncode(blob.subspan(kHeadBeforeId + blob[2], kPrefix));
  return name;
}

Result<Bytes> OpenBlob(ByteView blob, const BackingKey& key,
                       const Context& context) {
  const Status bad(StatusCode::kCorrupt, "blob does not authenticate");
  if (!WellFormed(blob)) return bad;
  const size_t head = HeadSize(blob);
  const Bytes aad = Authenticated(blob.first(head), context);
  const ByteView sealed =
      blob.subspan(head + kNonce, blob.size() - head - kNonce - kTag);
  std::array<uint8_t, kTag> tag;
  std::copy(blob.end() - kTag, blob.end(), tag.begin());
  Bytes plaintext;
  if (!Crypt(false, key, blob.subspan(head, kNonce), aad, sealed, plaintext,
             tag)) {
    return bad;
  }
  return plaintext;
}

}  // namespace kms_emulator
