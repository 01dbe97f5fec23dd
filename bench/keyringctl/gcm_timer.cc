// SPDX-License-Identifier: MIT
// gcm_timer FILE PIECES: prints the seconds that it takes to read a file and to
// encrypt it by AES-256-GCM in so many pieces, each under a nonce of its own.
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "os/file_system.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = size_t{1} << 30;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const {
    EVP_CIPHER_CTX_free(context);
  }
};

bool Encrypt(EVP_CIPHER_CTX* context, uint32_t number, ByteView piece,
             Bytes& out) {
  uint8_t nonce[12] = {}, tag[16];
  std::copy_n(reinterpret_cast<const uint8_t*>(&number), sizeof number, nonce);
  int size = 0;
  return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce) == 1 &&
         EVP_EncryptUpdate(context, out.data(), &size, piece.data(),
                           static_cast<int>(piece.size())) == 1 &&
         EVP_EncryptFinal_ex(context, out.data() + size, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, sizeof tag, tag) ==
             1;
}

int Time(const char* path, size_t pieces) {
  const uint8_t key[32] = {1};
  const auto started = std::chrono::steady_clock::now();
  const Result<Bytes> content = PosixFileSystem().Read(path, kMaxFile);
  if (!content || pieces == 0) return 1;
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(
      EVP_CIPHER_CTX_new());
  if (EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key,
                         nullptr) != 1) {
    return 1;
  }
  const size_t size = std::max<size_t>(1, content->size() / pieces);
  Bytes out(size + 16);
  uint32_t number = 0;
  for (size_t at = 0; at < content->size(); at += size) {
    const size_t left = content->size() - at;
    const ByteView piece = ByteView(*content).subspan(at, std::min(size, left));
    if (!Encrypt(context.get(), ++number, piece, out)) return 1;
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - started;
  std::printf("%.6f\n", took.count());
  return 0;
}

}  // namespace
}  // namespace openkeyring

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return openkeyring::Time(argv[1], std::strtoul(argv[2], nullptr, 10));
}
