// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_SECRET_ARENA_H_
#define OPENKEYRING_BASE_SECRET_ARENA_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace openkeyring {

// The system's pages, as SecretArena uses them; tests bring others.
class MemoryPages {
 public:
  virtual ~MemoryPages() = default;
  // Zeroed pages that are left out of core dumps. Throws std::bad_alloc.
  virtual uint8_t* Map(size_t size) = 0;
  virtual void Unmap(uint8_t* data, size_t size) = 0;
  // Keeps the pages out of swap; false beyond the limit (RLIMIT_MEMLOCK).
  virtual bool Lock(uint8_t* data, size_t size) = 0;
  // The most bytes that this process may lock.
  virtual size_t LockLimit() const = 0;
};
MemoryPages& SystemMemoryPages();

// Bytes of the pages that hold secrets.
struct SecretMemory {
  size_t used = 0;
  size_t locked = 0;  // Of `used`, those that are kept out of swap.
};

// For a status row: "8192 bytes, all locked", or how many are and what to do.
std::string Describe(const SecretMemory& memory);

// Hands out memory for Secret: blocks of 32, 64, ... 4096 bytes from 64 KiB
// chunks, and a mapping of its own for anything larger. All of it is left out
// of core dumps. Small blocks return to a free list; chunks live until the
// arena goes.
//
// Pages are locked when they come into use, not before: a limit of 64 KiB, a
// usual one, is then enough for some hundred keys. Larger blocks (requests and
// answers, for the length of a call) may take half of the limit, so that they
// leave room for keys. What could not be locked is tried again whenever another
// page comes into use, a large block goes, or Usage is called. A child that
// fork makes, such as a server that becomes a daemon, inherits no locks; the
// process's arena takes them again there.
//
// Threads: all methods may be called concurrently. Takes one short lock and
// never does I/O under it.
class SecretArena {
 public:
  static SecretArena& Instance();  // The one of this process.

  // `pages` is borrowed.
  explicit SecretArena(MemoryPages& pages = SystemMemoryPages())
      : pages_(pages) {}
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

  // Tries to lock what is not, and counts.
  SecretMemory Usage();

 private:
  // Pages, of which those in use lie in front, and of these the locked ones.
  struct Mapping {
    uint8_t* data;
    size_t size, used, locked;
  };
  static constexpr size_t kSmallest = 32, kLargest = 4096, kChunk = 65536;
  static constexpr size_t kPage = 4096;
  static constexpr size_t kClasses = 8;

  struct SizeClass {
    std::vector<uint8_t*> free;
    size_t made = 0;  // Free or not.
  };

  static size_t ClassOf(size_t capacity);
  static void BeforeFork();
  static void AfterForkInParent();
  static void AfterForkInChild();

  uint8_t* AllocateLarge(size_t capacity);
  void FreeLarge(uint8_t* block, size_t capacity);
  void ReleaseWhenIdle();

  // Under the lock.
  uint8_t* TakeFromChunk(size_t capacity);
  bool LockUsed(Mapping& mapping);  // False when some could not be locked.
  void LockLarge(Mapping& large, size_t limit);
  void LockAll();

  MemoryPages& pages_;
  std::mutex mutex_;
  std::array<SizeClass, kClasses> classes_;
  std::vector<Mapping> chunks_;  // The last one is being filled.
  std::vector<Mapping> large_;
  size_t large_locked_ = 0;  // Bytes of `large_`.
  size_t chunk_filled_ =
      kChunk;  // Bytes of the last chunk that are handed out.
  size_t blocks_in_use_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_SECRET_ARENA_H_
