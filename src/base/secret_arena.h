// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_SECRET_ARENA_H_
#define OPENKEYRING_BASE_SECRET_ARENA_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace openkeyring {

// Hands out memory for Secret: blocks of 32, 64, ... 4096 bytes cut from
// 64 KiB chunks, and chunks of their own for anything larger. Chunks are mapped
// with MADV_DONTDUMP and mlock()ed where the limits allow. Small blocks return
// to a free list; chunks live until the arena goes.
//
// Threads: all methods may be called concurrently. Takes one short lock and
// never does I/O under it. A chunk is not touched by fork: the child sees its
// copy.
class SecretArena {
 public:
  static SecretArena& Instance();

  SecretArena() = default;
  SecretArena(const SecretArena&) = delete;
  SecretArena& operator=(const SecretArena&) = delete;
  ~SecretArena();  // Keeps the chunks mapped when blocks are still in use.

  // What a request for `size` bytes really gets. size > 0.
  static size_t RoundUp(size_t size);
  // `capacity` must come from RoundUp. Never null: throws std::bad_alloc when
  // the system has no memory. The block is zeroed.
  uint8_t* Allocate(size_t capacity);
  // Wipes and takes back.
  void Free(uint8_t* block, size_t capacity);

 private:
  struct Chunk {
    uint8_t* data;
    size_t size;
  };
  static constexpr size_t kSmallest = 32, kLargest = 4096, kChunk = 65536;
  static constexpr size_t kClasses = 8;

  struct SizeClass {
    std::vector<uint8_t*> free;
    size_t made = 0;  // Free or not.
  };

  static size_t ClassOf(size_t capacity);
  uint8_t* MapLocked(size_t size);
  uint8_t* Cut(size_t capacity);  // Under the lock.
  void ReleaseWhenIdle();

  std::mutex mutex_;
  std::array<SizeClass, kClasses> classes_;
  std::vector<Chunk> chunks_;
  size_t chunk_used_ = kChunk;  // Of the newest chunk.
  size_t blocks_in_use_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_SECRET_ARENA_H_
