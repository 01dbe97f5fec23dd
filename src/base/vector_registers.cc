// SPDX-License-Identifier: MIT
#include "base/vector_registers.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace openkeyring {

#ifdef __x86_64__

namespace {

// Register states that the system saves (XCR0).
constexpr unsigned kAvxState = 0x6, kAvx512State = 0xe6;

// By CPUID: the compiler's own function for this needs an initializer that runs
// when the library is loaded.
bool SystemSaves(unsigned state) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) {
    return false;
  }
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & state) == state;
}

bool HasAvx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return SystemSaves(kAvxState) && __get_cpuid(1, &a, &b, &c, &d) != 0 &&
         (c & bit_AVX) != 0;
}

bool HasAvx512() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return SystemSaves(kAvx512State) &&
         __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX512F) != 0;
}

}  // namespace

void ClearVectorRegisters() {
  if (HasAvx512()) {
    // We are not compiled to use these.
    asm volatile(
        ".irp i,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vpxord %%zmm\\i, %%zmm\\i, %%zmm\\i\n"
        ".endr" ::
            : "memory");
  }
  if (HasAvx()) {
    asm volatile("vzeroall" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15");
  } else {
    asm volatile(
        ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "pxor %%xmm\\i, %%xmm\\i\n"
        ".endr" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
              "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
              "xmm15");
  }
}

#else

void ClearVectorRegisters() {}

#endif

}  // namespace openkeyring
