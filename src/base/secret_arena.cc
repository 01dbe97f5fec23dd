// SPDX-License-Identifier: MIT
#include "base/secret_arena.h"

#include <string.h>
#include <sys/mman.h>

#include <bit>
#include <new>

namespace openkeyring {

SecretArena& SecretArena::Instance() {
  static SecretArena arena;
  return arena;
}

SecretArena::~SecretArena() {
  if (blocks_in_use_ != 0) return;
  for (const Chunk& chunk : chunks_) munmap(chunk.data, chunk.size);
}

size_t SecretArena::RoundUp(size_t size) {
  if (size <= kSmallest) return kSmallest;
  if (size <= kLargest) return std::bit_ceil(size);
  return (size + kLargest - 1) / kLargest * kLargest;
}

size_t SecretArena::ClassOf(size_t capacity) {
  return std::bit_width(capacity / kSmallest) - 1;
}

uint8_t* SecretArena::MapLocked(size_t size) {
  void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  madvise(pages, size, MADV_DONTDUMP);
  // Beyond the limit (RLIMIT_MEMLOCK) the pages merely stay swappable.
  (void)mlock(pages, size);
  return static_cast<uint8_t*>(pages);
}

uint8_t* SecretArena::Allocate(size_t capacity) {
  if (capacity > kLargest) return MapLocked(capacity);
  std::lock_guard lock(mutex_);
  std::vector<uint8_t*>& free = free_[ClassOf(capacity)];
  if (free.capacity() < free.size() + 1) free.reserve(free.size() + 64);
  uint8_t* block;
  if (!free.empty()) {
    block = free.back();
    free.pop_back();
  } else {
    if (chunk_used_ + capacity > kChunk) {
      chunks_.push_back({MapLocked(kChunk), kChunk});
      chunk_used_ = 0;
    }
    block = chunks_.back().data + chunk_used_;
    chunk_used_ += capacity;
  }
  ++blocks_in_use_;
  return block;
}

void SecretArena::Free(uint8_t* block, size_t capacity) {
  explicit_bzero(block, capacity);
  if (capacity > kLargest) {
    munmap(block, capacity);
    return;
  }
  std::lock_guard lock(mutex_);
  free_[ClassOf(capacity)].push_back(block);
  --blocks_in_use_;
}

}  // namespace openkeyring
