// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_BYTE_CODEC_H_
#define OPENKEYRING_BASE_BYTE_CODEC_H_

#include <concepts>

#include "base/bytes.h"

namespace openkeyring {

// Appends `value` big-endian, in as many bytes as its type has.
template <std::unsigned_integral Number>
void PutNumber(Bytes& out, Number value) {
  for (int shift = 8 * (sizeof(Number) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}

inline void PutBytes(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

constexpr size_t kMaxField = 65535;

// A field: its size in 16 bits, then its bytes, at most kMaxField of them.
inline void PutField(Bytes& out, ByteView field) {
  PutNumber(out, static_cast<uint16_t>(field.size()));
  PutBytes(out, field);
}

// Takes such things from the front of borrowed bytes. What it gives out borrows
// from the same. A method that fails returns false and does not move.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  template <std::unsigned_integral Number>
  [[nodiscard]] bool TakeNumber(Number& value) {
    if (rest_.size() < sizeof(Number)) return false;
    value = 0;
    for (size_t i = 0; i < sizeof(Number); ++i) {
      value = static_cast<Number>(static_cast<uint64_t>(value) << 8 | rest_[i]);
    }
    rest_ = rest_.subspan(sizeof(Number));
    return true;
  }
  [[nodiscard]] bool TakeBytes(size_t size, ByteView& bytes) {
    if (rest_.size() < size) return false;
    bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  [[nodiscard]] bool TakeField(ByteView& field) {
    const ByteReader start = *this;
    uint16_t size = 0;
    if (TakeNumber(size) && TakeBytes(size, field)) return true;
    *this = start;
    return false;
  }
  bool AtEnd() const { return rest_.empty(); }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_BYTE_CODEC_H_
