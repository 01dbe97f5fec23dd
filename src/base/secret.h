// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_SECRET_H_
#define OPENKEYRING_BASE_SECRET_H_

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace openkeyring {

// Bytes that must not leak: keys, secret access keys, session tokens, and the
// requests and replies that carry them.
//
// The memory comes from a process-wide arena of pages that are left out of core
// dumps and locked against swapping where the system allows it (it is not an
// error when it does not), and is wiped before it is given back. Move-only;
// copies are explicit. There is no conversion to a string and no stream
// operator; the only ways to the bytes are the Reveal... methods, so that
// `grep Reveal` finds every place that touches plaintext.
//
// Threads: distinct objects are independent; one object is not synchronised.
class Secret {
 public:
  Secret() = default;
  explicit Secret(size_t size);  // `size` zero bytes.
  static Secret CopyOf(ByteView bytes);
  static Secret CopyOf(std::string_view text);

  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  Secret Clone() const;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Borrowed; valid until this object is changed, moved from or destroyed.
  ByteView RevealBytes() const { return {data_, size_}; }
  std::string_view RevealText() const { return AsText(RevealBytes()); }
  std::span<uint8_t> RevealMutable() { return {data_, size_}; }

  // Grows by these bytes, which may be this secret's own; old memory is wiped
  // when it has to move.
  void Append(ByteView bytes);
  void Append(std::string_view text) { Append(AsBytes(text)); }
  // Cuts to `size` bytes (no effect when already shorter) and wipes the rest.
  void Truncate(size_t size);
  void Clear();

  // Compares in a time that depends on the sizes only.
  bool Equals(const Secret& other) const;

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Printing a secret does not compile.
std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_SECRET_H_
