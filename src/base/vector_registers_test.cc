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

#ifdef __aarch64__
// v5 is nobody's across a call; of v13 only the upper half is.
TEST(VectorRegisters, AreClear) {
  const uint64_t key = 0x0123456789abcdef;
  uint64_t before[3], after[3];
  asm volatile("ins v5.d[0], %0\nins v5.d[1], %0\nins v13.d[1], %0" ::"r"(key));
  asm volatile("umov %0, v5.d[0]\numov %1, v5.d[1]\numov %2, v13.d[1]"
               : "=r"(before[0]), "=r"(before[1]), "=r"(before[2]));
  ClearVectorRegisters();
  asm volatile("umov %0, v5.d[0]\numov %1, v5.d[1]\numov %2, v13.d[1]"
               : "=r"(after[0]), "=r"(after[1]), "=r"(after[2]));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(before[i], key) << i;
    EXPECT_EQ(after[i], 0u) << i;
  }
}
#endif

}  // namespace
}  // namespace openkeyring
