// SPDX-License-Identifier: MIT
#include "net/curl_memory.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <limits>
#include <new>

#include "base/secret_arena.h"

namespace openkeyring {
namespace {

// Stands before each block, and keeps the alignment of malloc.
struct alignas(16) Head {
  size_t size;  // With this.
};

constexpr size_t kLeastMapped = 8192;

void* Mapped(size_t size) {
  try {
    return SystemMemoryPages().Map(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

Head* HeadOf(void* block) { return static_cast<Head*>(block) - 1; }

}  // namespace

void* AllocateForCurl(size_t size) {
  if (size > std::numeric_limits<size_t>::max() - sizeof(Head)) return nullptr;
  const size_t with_head = size + sizeof(Head);
  void* const memory =
      with_head >= kLeastMapped ? Mapped(with_head) : malloc(with_head);
  if (memory == nullptr) return nullptr;
  Head* const head = static_cast<Head*>(memory);
  head->size = with_head;
  return head + 1;
}

void FreeForCurl(void* block) {
  if (block == nullptr) return;
  Head* const head = HeadOf(block);
  const size_t size = head->size;
  explicit_bzero(head, size);
  if (size >= kLeastMapped) {
    SystemMemoryPages().Unmap(reinterpret_cast<uint8_t*>(head), size);
  } else {
    free(head);
  }
}

void* ReallocateForCurl(void* block, size_t size) {
  void* const grown = AllocateForCurl(size);
  if (grown == nullptr || block == nullptr) return grown;
  const size_t old = HeadOf(block)->size - sizeof(Head);
  memcpy(grown, block, std::min(old, size));
  FreeForCurl(block);
  return grown;
}

char* DuplicateForCurl(const char* text) {
  const size_t size = strlen(text) + 1;
  void* const copy = AllocateForCurl(size);
  return copy == nullptr ? nullptr
                         : static_cast<char*>(memcpy(copy, text, size));
}

void* AllocateZeroedForCurl(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  void* const block = AllocateForCurl(bytes);
  return block == nullptr ? nullptr : memset(block, 0, bytes);
}

void InitializeCurl() {
#ifdef CURL_STATICLIB
  curl_global_init_mem(CURL_GLOBAL_DEFAULT, AllocateForCurl, FreeForCurl,
                       ReallocateForCurl, DuplicateForCurl,
                       AllocateZeroedForCurl);
#else
  curl_global_init(CURL_GLOBAL_DEFAULT);
#endif
}

}  // namespace openkeyring
