// SPDX-License-Identifier: MIT
#include "net/curl_memory.h"

#include <gtest/gtest.h>
#include <stdint.h>
#include <string.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace openkeyring {
namespace {

// Whether a core dump leaves the memory at `address` out.
bool IsLeftOut(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream head(line);
    if (head >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line.find(" dd") != std::string::npos;
    }
  }
  return false;
}

TEST(CurlMemory, BuffersThatStayAreNotInCoreDumps) {
  void* const large = AllocateForCurl(16384);
  void* const small = AllocateForCurl(100);
  ASSERT_NE(large, nullptr);
  ASSERT_NE(small, nullptr);
  memset(large, 1, 16384);
  EXPECT_TRUE(IsLeftOut(large));
  EXPECT_TRUE(IsLeftOut(static_cast<char*>(large) + 16383));
  EXPECT_FALSE(IsLeftOut(small));
  FreeForCurl(large);
  FreeForCurl(small);
  FreeForCurl(nullptr);
}

// The allocator writes its own notes to the first bytes of a free block, and
// gives it to the next who asks for that size.
TEST(CurlMemory, WhatIsFreedIsWiped) {
  constexpr size_t kSize = 600;
  void* block = AllocateForCurl(kSize);
  memset(block, 'k', kSize);
  block = ReallocateForCurl(block, 2 * kSize);
  // No strings here, which would take that block.
  EXPECT_EQ(static_cast<char*>(block)[kSize - 1], 'k');
  void* const again = AllocateForCurl(kSize);
  for (size_t i = 32; i < kSize; ++i) {
    ASSERT_NE(static_cast<char*>(again)[i], 'k') << i;
  }
  FreeForCurl(block);
  FreeForCurl(again);
}

TEST(CurlMemory, DoesWhatTheCLibraryDoes) {
  char* const text = DuplicateForCurl("text");
  EXPECT_STREQ(text, "text");
  char* const grown = static_cast<char*>(ReallocateForCurl(text, 20000));
  EXPECT_STREQ(grown, "text");
  char* const shrunk = static_cast<char*>(ReallocateForCurl(grown, 5));
  EXPECT_STREQ(shrunk, "text");
  FreeForCurl(shrunk);
  char* const zeroed = static_cast<char*>(AllocateZeroedForCurl(10, 7));
  EXPECT_EQ(std::string(zeroed, 70), std::string(70, '\0'));
  FreeForCurl(zeroed);
  void* const none = ReallocateForCurl(nullptr, 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(none) % 16, 0u);
  FreeForCurl(none);
  constexpr size_t kMost = std::numeric_limits<size_t>::max();
  EXPECT_EQ(AllocateForCurl(kMost), nullptr);
  EXPECT_EQ(AllocateForCurl(kMost / 2), nullptr);
  EXPECT_EQ(AllocateZeroedForCurl(kMost, 2), nullptr);
}

}  // namespace
}  // namespace openkeyring
