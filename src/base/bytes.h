// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_BYTES_H_
#define OPENKEYRING_BASE_BYTES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace openkeyring {

// Bytes that are not secret: ciphertext, file images, digests. Secret bytes
// live in Secret (base/secret.h) and nowhere else.
using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

// The same memory seen as bytes, or as text. Neither copies; both borrow.
inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_BYTES_H_
