// SPDX-License-Identifier: MIT
#include "base/secret_arena.h"

#include <gtest/gtest.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "testing/traced_calls.h"

namespace openkeyring {
namespace {

// The VmFlags of the mapping that holds `address` (see proc(5)), "" if none.
std::string VmFlagsOf(const void* address) {
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
      return line.substr(8) + " ";
    }
  }
  return "";
}

// Not beyond the limit, and not under sanitizers, which make mlock do nothing.
bool MayLock(size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const bool may = pages != MAP_FAILED && mlock(pages, bytes) == 0 &&
                   VmFlagsOf(pages).find(" lo ") != std::string::npos;
  munmap(pages, bytes);
  return may;
}

TEST(SecretArena, RoundsUpToPowersOfTwoAndThenToPages) {
  EXPECT_EQ(SecretArena::RoundUp(1), 32u);
  EXPECT_EQ(SecretArena::RoundUp(32), 32u);
  EXPECT_EQ(SecretArena::RoundUp(33), 64u);
  EXPECT_EQ(SecretArena::RoundUp(2049), 4096u);
  EXPECT_EQ(SecretArena::RoundUp(4096), 4096u);
  EXPECT_EQ(SecretArena::RoundUp(4097), 8192u);
  EXPECT_EQ(SecretArena::RoundUp(100000), 102400u);
}

TEST(SecretArena, NothingIsGivenBackToTheSystemUnwiped) {
  const TracedCalls traced;
  {
    SecretArena arena;
    for (const size_t size : {size_t{32}, size_t{4096}, size_t{100000}}) {
      const size_t capacity = SecretArena::RoundUp(size);
      uint8_t* block = arena.Allocate(capacity);
      std::fill(block, block + capacity, uint8_t{0xaa});
      arena.Free(block, capacity);
    }
  }
  EXPECT_EQ(traced.unwiped_bytes(), 0u);
}

TEST(SecretArena, TheTraceSeesWhatIsNotWiped) {
  const TracedCalls traced;
  void* pages = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  static_cast<uint8_t*>(pages)[7] = 1;
  munmap(pages, 4096);
  EXPECT_EQ(traced.unwiped_bytes(), 1u);
}

TEST(SecretArena, HandsOutZeroedBlocksOfManySizesThatDoNotOverlap) {
  SecretArena arena;
  std::vector<std::pair<uint8_t*, size_t>> blocks;
  for (size_t size = 1; size < 20000; size = size * 3 / 2 + 1) {
    for (int i = 0; i < 5; ++i) {
      const size_t capacity = SecretArena::RoundUp(size);
      uint8_t* block = arena.Allocate(capacity);
      ASSERT_TRUE(std::all_of(block, block + capacity,
                              [](uint8_t byte) { return byte == 0; }));
      memset(block, static_cast<int>(blocks.size() % 251 + 1), capacity);
      blocks.emplace_back(block, capacity);
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto [block, capacity] = blocks[i];
    const auto mark = static_cast<uint8_t>(i % 251 + 1);
    EXPECT_TRUE(std::all_of(block, block + capacity,
                            [&](uint8_t byte) { return byte == mark; }));
    arena.Free(block, capacity);
  }
}

TEST(SecretArena, ReusesAFreedBlockOfTheSameClassWiped) {
  SecretArena arena;
  for (const size_t capacity : {32u, 64u, 128u, 256u, 512u, 4096u}) {
    uint8_t* first = arena.Allocate(capacity);
    memset(first, 0xaa, capacity);
    arena.Free(first, capacity);
    uint8_t* second = arena.Allocate(capacity);
    ASSERT_EQ(second, first);
    EXPECT_TRUE(std::all_of(second, second + capacity,
                            [](uint8_t byte) { return byte == 0; }));
    arena.Free(second, capacity);
  }
}

TEST(SecretArena, TakesBackManyBlocksAndHandsTheSameOnesOutAgain) {
  SecretArena arena;
  const auto allocate = [&] {
    std::set<uint8_t*> blocks;
    for (int i = 0; i < 5000; ++i) blocks.insert(arena.Allocate(32));
    return blocks;
  };
  const std::set<uint8_t*> first = allocate();
  EXPECT_EQ(first.size(), 5000u);
  for (uint8_t* block : first) arena.Free(block, 32);
  const std::set<uint8_t*> second = allocate();
  EXPECT_EQ(second, first);
  for (uint8_t* block : second) arena.Free(block, 32);
}

TEST(SecretArena, SmallBlocksAreLeftOutOfCoreDumps) {
  SecretArena arena;
  uint8_t* block = arena.Allocate(32);
  const std::string flags = VmFlagsOf(block);
  ASSERT_NE(flags, "");
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
  arena.Free(block, 32);
}

TEST(SecretArena, LargeBlocksAreLeftOutOfCoreDumps) {
  SecretArena arena;
  const size_t capacity = SecretArena::RoundUp(300000);
  uint8_t* block = arena.Allocate(capacity);
  EXPECT_NE(VmFlagsOf(block).find(" dd "), std::string::npos);
  EXPECT_NE(VmFlagsOf(block + capacity - 1).find(" dd "), std::string::npos);
  arena.Free(block, capacity);
  EXPECT_EQ(VmFlagsOf(block).find(" dd "), std::string::npos) << "unmapped";
}

TEST(SecretArena, PagesAreLockedWhereTheLimitAllows) {
  if (!MayLock(4 * 65536)) GTEST_SKIP() << "this process may lock no memory";
  SecretArena arena;
  uint8_t* small = arena.Allocate(64);
  EXPECT_NE(VmFlagsOf(small).find(" lo "), std::string::npos);
  arena.Free(small, 64);
  uint8_t* large = arena.Allocate(8192);
  EXPECT_NE(VmFlagsOf(large).find(" lo "), std::string::npos);
  arena.Free(large, 8192);
}

// Pages that remember what was done with them; `limit` is the most to lock.
class SpyPages : public MemoryPages {
 public:
  size_t limit = 1 << 30, locked = 0;
  mutable size_t asked = 0;  // For the limit.
  int refused = 0;
  bool all_wiped = true;

  uint8_t* Map(size_t size) override { return SystemMemoryPages().Map(size); }
  void Unmap(uint8_t* data, size_t size) override {
    all_wiped &=
        std::all_of(data, data + size, [](uint8_t byte) { return byte == 0; });
    std::erase_if(pages_, [&](uint8_t* page) {
      return data <= page && page < data + size;
    });
    locked = pages_.size() * 4096;
    SystemMemoryPages().Unmap(data, size);
  }
  bool Lock(uint8_t* data, size_t size) override {
    if (locked + size > limit) return ++refused == 0;
    for (size_t at = 0; at < size; at += 4096) pages_.insert(data + at);
    locked = pages_.size() * 4096;
    return true;
  }
  size_t LockLimit() const override {
    ++asked;
    return limit;
  }

 private:
  std::set<uint8_t*> pages_;
};

TEST(SecretArena, NothingIsUnmappedBeforeItIsWiped) {
  SpyPages pages;
  {
    SecretArena arena(pages);
    for (const size_t capacity : {32u, 4096u, 8192u, 65536u}) {
      uint8_t* block = arena.Allocate(capacity);
      memset(block, 0xaa, capacity);
      arena.Free(block, capacity);
    }
  }
  EXPECT_TRUE(pages.all_wiped);
}

TEST(SecretArena, LocksPagesWhenTheyComeIntoUse) {
  SpyPages pages;
  SecretArena arena(pages);
  uint8_t* first = arena.Allocate(32);
  EXPECT_EQ(pages.locked, 4096u);
  uint8_t* second = arena.Allocate(4096);
  EXPECT_EQ(pages.locked, 8192u);
  EXPECT_EQ(arena.Usage().used, 8192u);
  EXPECT_EQ(arena.Usage().locked, 8192u);
  arena.Free(first, 32);
  arena.Free(second, 4096);
}

TEST(SecretArena, AsksForTheLimitOncePerChangeOfLargeBlocks) {
  SpyPages pages;
  pages.limit = 40 << 12;  // Half of it is enough for five blocks.
  SecretArena arena(pages);
  constexpr size_t kBlocks = 30, kSize = 4 << 12;
  std::vector<uint8_t*> blocks;
  for (size_t i = 0; i < kBlocks; ++i) blocks.push_back(arena.Allocate(kSize));
  EXPECT_EQ(pages.locked, 5 * kSize);
  for (uint8_t* block : blocks) arena.Free(block, kSize);
  EXPECT_EQ(pages.locked, 0u);
  EXPECT_LE(pages.asked, 2 * kBlocks);
}

// The usual limit is one chunk. A file or an answer that is being read must not
// take what keys need.
TEST(SecretArena, LargeBlocksLeaveHalfOfTheLimitToKeys) {
  SpyPages pages;
  pages.limit = 65536;
  SecretArena arena(pages);
  uint8_t* file = arena.Allocate(61440);
  EXPECT_EQ(pages.locked, 0u);
  uint8_t* key = arena.Allocate(32);
  EXPECT_EQ(pages.locked, 4096u);
  uint8_t* answer = arena.Allocate(32768);
  EXPECT_EQ(pages.locked, 4096u + 32768);
  uint8_t* another = arena.Allocate(8192);
  EXPECT_EQ(pages.locked, 4096u + 32768);
  arena.Free(answer, 32768);
  EXPECT_EQ(pages.locked, 4096u + 8192) << "the next one in line";
  for (const auto& [block, size] :
       {std::pair(file, 61440u), {key, 32u}, {another, 8192u}}) {
    arena.Free(block, size);
  }
}

TEST(SecretArena, WhatCouldNotBeLockedIsTriedAgain) {
  SpyPages pages;
  pages.limit = 0;
  SecretArena arena(pages);
  std::vector<uint8_t*> blocks;
  for (int i = 0; i < 20; ++i) blocks.push_back(arena.Allocate(4096));
  EXPECT_EQ(arena.Usage().used, 20u * 4096);
  EXPECT_EQ(arena.Usage().locked, 0u);
  EXPECT_LE(pages.refused, 2 * 22) << "no call for each page at each time";
  pages.limit = 5 * 4096;
  EXPECT_EQ(arena.Usage().locked, 5u * 4096) << "part of a chunk";
  pages.limit = 1 << 20;
  blocks.push_back(arena.Allocate(4096));
  EXPECT_EQ(pages.locked, 21u * 4096) << "with the next page";
  for (uint8_t* block : blocks) arena.Free(block, 4096);
}

// As in a server that becomes a daemon after it has loaded its keys.
TEST(SecretArena, AChildLocksItsPagesAgain) {
  if (!MayLock(65536)) GTEST_SKIP() << "this process may lock no memory";
  SecretArena& arena = SecretArena::Instance();
  uint8_t* block = arena.Allocate(32);
  ASSERT_NE(VmFlagsOf(block).find(" lo "), std::string::npos);
  const pid_t child = fork();
  if (child == 0) {
    const bool locked = VmFlagsOf(block).find(" lo ") != std::string::npos;
    const bool usable = arena.Allocate(64) != nullptr;
    _exit(locked && usable ? 0 : 1);
  }
  int result = -1;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  EXPECT_EQ(result, 0);
  arena.Free(block, 32);
}

TEST(SecretArena, DescribesWhatIsLocked) {
  EXPECT_EQ(Describe({8192, 8192}), "8192 bytes, all locked");
  EXPECT_EQ(Describe({8192, 4096}),
            "4096 of 8192 bytes locked; raise the server's limit "
            "(LimitMEMLOCK, ulimit -l)");
}

TEST(SecretArena, GivesItsPagesBackWhenItGoes) {
  uint8_t* block = nullptr;
  {
    SecretArena arena;
    block = arena.Allocate(32);
    arena.Free(block, 32);
    ASSERT_NE(VmFlagsOf(block).find(" dd "), std::string::npos);
  }
  EXPECT_EQ(VmFlagsOf(block).find(" dd "), std::string::npos);
}

}  // namespace
}  // namespace openkeyring
