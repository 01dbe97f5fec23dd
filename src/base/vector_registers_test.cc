// SPDX-License-Identifier: MIT
#include "base/vector_registers.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace openkeyring {
namespace {

#ifdef __x86_64__
// One that nothing between these lines uses.
TEST(VectorRegisters, AreClear) {
  const uint64_t key = 0x0123456789abcdef;
  uint64_t before = 0, after = 0;
  asm volatile("movq %0, %%xmm13" ::"r"(key));
  asm volatile("movq %%xmm13, %0" : "=r"(before));
  ClearVectorRegisters();
  asm volatile("movq %%xmm13, %0" : "=r"(after));
  EXPECT_EQ(before, key);
  EXPECT_EQ(after, 0u);
}
#endif

}  // namespace
}  // namespace openkeyring
