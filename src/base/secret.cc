// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "base/secret_arena.h"

namespace openkeyring {

Secret::Secret(size_t size) {
  if (size == 0) return;
  capacity_ = SecretArena::RoundUp(size);
  data_ = SecretArena::Instance().Allocate(capacity_);
  size_ = size;
}

Secret Secret::CopyOf(ByteView bytes) {
  Secret copy;
  copy.Append(bytes);
  return copy;
}

Secret Secret::CopyOf(std::string_view text) { return CopyOf(AsBytes(text)); }

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Secret::~Secret() { Clear(); }

Secret Secret::Clone() const { return CopyOf(RevealBytes()); }

void Secret::Append(ByteView bytes) {
  if (bytes.empty()) return;
  if (size_ + bytes.size() > capacity_) {
    Secret bigger(std::max(size_ + bytes.size(), 2 * size_));
    if (size_ > 0) memcpy(bigger.data_, data_, size_);
    bigger.size_ = size_;
    // Before the old memory goes: `bytes` may lie in it.
    bigger.Append(bytes);
    *this = std::move(bigger);
    return;
  }
  memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void Secret::Truncate(size_t size) {
  if (size >= size_) return;
  explicit_bzero(data_ + size, size_ - size);
  size_ = size;
}

void Secret::Clear() {
  if (data_ != nullptr) SecretArena::Instance().Free(data_, capacity_);
  data_ = nullptr;
  size_ = capacity_ = 0;
}

bool Secret::Equals(const Secret& other) const {
  if (size_ != other.size_) return false;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < size_; ++i) {
    difference = difference | (data_[i] ^ other.data_[i]);
  }
  return difference == 0;
}

}  // namespace openkeyring
