// SPDX-License-Identifier: MIT
#include "base/vector_registers.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace openkeyring {

#ifdef __x86_64__

#define OPENKEYRING_CLEAR_512(n) \
  "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
#define OPENKEYRING_CLEAR_128(n) "pxor %%xmm" #n ", %%xmm" #n "\n"
#define OPENKEYRING_LOW(clear)                                            \
  clear(0) clear(1) clear(2) clear(3) clear(4) clear(5) clear(6) clear(7) \
      clear(8) clear(9) clear(10) clear(11) clear(12) clear(13) clear(14) \
          clear(15)
#define OPENKEYRING_HIGH(clear)                                             \
  clear(16) clear(17) clear(18) clear(19) clear(20) clear(21) clear(22)     \
      clear(23) clear(24) clear(25) clear(26) clear(27) clear(28) clear(29) \
          clear(30) clear(31)
#define OPENKEYRING_CLOBBERED                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
      "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

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
    asm volatile(OPENKEYRING_HIGH(OPENKEYRING_CLEAR_512)::: "memory");
  }
  if (HasAvx()) {
    asm volatile("vzeroall" ::: OPENKEYRING_CLOBBERED);
  } else {
    asm volatile(OPENKEYRING_LOW(OPENKEYRING_CLEAR_128)::
                     : OPENKEYRING_CLOBBERED);
  }
}

#else

void ClearVectorRegisters() {}

#endif

}  // namespace openkeyring
