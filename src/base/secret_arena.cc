// SPDX-License-Identifier: MIT
#include "base/secret_arena.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>

namespace openkeyring {
namespace {

class PosixMemoryPages : public MemoryPages {
 public:
  uint8_t* Map(size_t size) override {
    void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    madvise(pages, size, MADV_DONTDUMP);
    return static_cast<uint8_t*>(pages);
  }
  void Unmap(uint8_t* data, size_t size) override { munmap(data, size); }
  bool Lock(uint8_t* data, size_t size) override {
    return mlock(data, size) == 0;
  }
  size_t LockLimit() const override {
    rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
    return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<size_t>::max()
                                           : limit.rlim_cur;
  }
};

}  // namespace

MemoryPages& SystemMemoryPages() {
  alignas(PosixMemoryPages) static std::byte place[sizeof(PosixMemoryPages)];
  static auto* const pages = new (place) PosixMemoryPages;
  return *pages;
}

std::string Describe(const SecretMemory& memory) {
  if (memory.locked == memory.used) {
    return std::to_string(memory.used) + " bytes, all locked";
  }
  return std::to_string(memory.locked) + " of " + std::to_string(memory.used) +
         " bytes locked; raise the server's limit (LimitMEMLOCK, ulimit -l)";
}

// Not destroyed: secrets in other static objects may go later than anything
// here. What is idle when the library is unloaded is given back all the same.
SecretArena& SecretArena::Instance() {
  alignas(SecretArena) static std::byte place[sizeof(SecretArena)];
  static SecretArena* const arena = new (place) SecretArena;
  static const struct WhileLoaded {
    WhileLoaded() {
      pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
    }
    ~WhileLoaded() { arena->ReleaseWhenIdle(); }
  } while_loaded;
  return *arena;
}

void SecretArena::BeforeFork() { Instance().mutex_.lock(); }
void SecretArena::AfterForkInParent() { Instance().mutex_.unlock(); }

void SecretArena::AfterForkInChild() {
  SecretArena& arena = Instance();
  for (Mapping& chunk : arena.chunks_) chunk.locked = 0;
  for (Mapping& large : arena.large_) large.locked = 0;
  arena.large_locked_ = 0;
  arena.LockAll();
  arena.mutex_.unlock();
}

SecretArena::~SecretArena() { ReleaseWhenIdle(); }

void SecretArena::ReleaseWhenIdle() {
  const std::lock_guard lock(mutex_);
  if (blocks_in_use_ != 0) return;
  for (const Mapping& chunk : chunks_) pages_.Unmap(chunk.data, chunk.size);
  std::vector<Mapping>().swap(chunks_);
  std::vector<Mapping>().swap(large_);
  large_locked_ = 0;
  classes_ = {};
  chunk_filled_ = kChunk;
}

size_t SecretArena::RoundUp(size_t size) {
  if (size <= kSmallest) return kSmallest;
  if (size <= kLargest) return std::bit_ceil(size);
  return (size + kPage - 1) / kPage * kPage;
}

size_t SecretArena::ClassOf(size_t capacity) {
  return std::bit_width(capacity / kSmallest) - 1;
}

uint8_t* SecretArena::Allocate(size_t capacity) {
  if (capacity > kLargest) return AllocateLarge(capacity);
  const std::lock_guard lock(mutex_);
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
    block = TakeFromChunk(capacity);
    ++blocks.made;
  }
  ++blocks_in_use_;
  return block;
}

uint8_t* SecretArena::TakeFromChunk(size_t capacity) {
  if (chunk_filled_ + capacity > kChunk) {
    chunks_.reserve(chunks_.size() + 1);
    chunks_.push_back({pages_.Map(kChunk), kChunk, 0, 0});
    chunk_filled_ = 0;
  }
  Mapping& chunk = chunks_.back();
  uint8_t* block = chunk.data + chunk_filled_;
  chunk_filled_ += capacity;
  if (chunk_filled_ > chunk.used) {
    chunk.used = (chunk_filled_ + kPage - 1) / kPage * kPage;
    LockAll();
  }
  return block;
}

uint8_t* SecretArena::AllocateLarge(size_t capacity) {
  const std::lock_guard lock(mutex_);
  large_.reserve(large_.size() + 1);
  large_.push_back({pages_.Map(capacity), capacity, capacity, 0});
  LockLarge(large_.back(), pages_.LockLimit());
  return large_.back().data;
}

void SecretArena::Free(uint8_t* block, size_t capacity) {
  explicit_bzero(block, capacity);
  if (capacity > kLargest) return FreeLarge(block, capacity);
  const std::lock_guard lock(mutex_);
  classes_[ClassOf(capacity)].free.push_back(block);
  --blocks_in_use_;
}

void SecretArena::FreeLarge(uint8_t* block, size_t capacity) {
  const std::lock_guard lock(mutex_);
  const auto large = std::ranges::find(large_, block, &Mapping::data);
  if (large != large_.end()) {
    large_locked_ -= large->locked;
    *large = large_.back();
    large_.pop_back();
  }
  pages_.Unmap(block, capacity);
  LockAll();
}

bool SecretArena::LockUsed(Mapping& mapping) {
  const size_t missing = mapping.used - mapping.locked;
  if (missing == 0) return true;
  if (pages_.Lock(mapping.data + mapping.locked, missing)) {
    mapping.locked = mapping.used;
    return true;
  }
  while (mapping.locked < mapping.used &&
         pages_.Lock(mapping.data + mapping.locked, kPage)) {
    mapping.locked += kPage;
  }
  return mapping.locked == mapping.used;
}

void SecretArena::LockLarge(Mapping& large, size_t limit) {
  const size_t before = large.locked;
  if (large_locked_ + large.used - before > limit / 2) return;
  (void)LockUsed(large);
  large_locked_ += large.locked - before;
}

void SecretArena::LockAll() {
  for (Mapping& chunk : chunks_) {
    if (!LockUsed(chunk)) return;  // The limit is reached.
  }
  if (large_.empty()) return;
  const size_t limit = pages_.LockLimit();
  for (Mapping& large : large_) LockLarge(large, limit);
}

SecretMemory SecretArena::Usage() {
  const std::lock_guard lock(mutex_);
  LockAll();
  SecretMemory usage;
  for (const auto* mappings : {&chunks_, &large_}) {
    for (const Mapping& mapping : *mappings) {
      usage.used += mapping.used;
      usage.locked += mapping.locked;
    }
  }
  return usage;
}

}  // namespace openkeyring
