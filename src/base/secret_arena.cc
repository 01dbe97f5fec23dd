// SPDX-License-Identifier: MIT
#include "base/secret_arena.h"

#include <string.h>
#include <sys/mman.h>

#include <bit>
#include <new>

namespace openkeyring {

// Not destroyed: secrets in other static objects may go later than anything
// here. What is idle when the library is unloaded is given back all the same.
SecretArena& SecretArena::Instance() {
  alignas(SecretArena) static std::byte place[sizeof(SecretArena)];
  static SecretArena* const arena = new (place) SecretArena;
  static const struct AtUnload {
    ~AtUnload() { arena->ReleaseWhenIdle(); }
  } at_unload;
  return *arena;
}

SecretArena::~SecretArena() { ReleaseWhenIdle(); }

void SecretArena::ReleaseWhenIdle() {
  std::lock_guard lock(mutex_);
  if (blocks_in_use_ != 0) return;
  for (const Chunk& chunk : chunks_) munmap(chunk.data, chunk.size);
  std::vector<Chunk>().swap(chunks_);
  classes_ = {};
  chunk_used_ = kChunk;
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
  SizeClass& blocks = classes_[ClassOf(capacity)];
  uint8_t* block;
  if (!blocks.free.empty()) {
    block = blocks.free.back();
    blocks.free.pop_back();
  } else {
    // Room for every block there is, so that Free never asks for memory.
    if (blocks.free.capacity() == blocks.made) {
      blocks.free.reserve(2 * blocks.made + 16);
    }
    block = Cut(capacity);
    ++blocks.made;
  }
  ++blocks_in_use_;
  return block;
}

uint8_t* SecretArena::Cut(size_t capacity) {
  if (chunk_used_ + capacity > kChunk) {
    chunks_.push_back({MapLocked(kChunk), kChunk});
    chunk_used_ = 0;
  }
  uint8_t* block = chunks_.back().data + chunk_used_;
  chunk_used_ += capacity;
  return block;
}

void SecretArena::Free(uint8_t* block, size_t capacity) {
  explicit_bzero(block, capacity);
  if (capacity > kLargest) {
    munmap(block, capacity);
    return;
  }
  std::lock_guard lock(mutex_);
  classes_[ClassOf(capacity)].free.push_back(block);
  --blocks_in_use_;
}

}  // namespace openkeyring
