// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_NET_CURL_MEMORY_H_
#define OPENKEYRING_NET_CURL_MEMORY_H_

#include <stddef.h>

// Memory for libcurl, which wipes nothing of what it sends: a request may carry
// a key (Encrypt) or a session token. What is freed is wiped. Blocks of 8 KiB
// and more are the buffers that stay with a connection; they are pages of their
// own that are left out of core dumps.
//
// Only for a libcurl that is linked into the product: a shared one may be in
// use by others already, and outlives this code.
//
// Threads: all functions may be called concurrently. Null when there is no
// memory; none of them throws.
namespace openkeyring {

// As curl_global_init(CURL_GLOBAL_DEFAULT). Undone by curl_global_cleanup.
void InitializeCurl();

void* AllocateForCurl(size_t size);
void FreeForCurl(void* block);
void* ReallocateForCurl(void* block, size_t size);
char* DuplicateForCurl(const char* text);
void* AllocateZeroedForCurl(size_t count, size_t size);

}  // namespace openkeyring

#endif  // OPENKEYRING_NET_CURL_MEMORY_H_
