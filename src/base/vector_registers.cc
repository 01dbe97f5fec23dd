// SPDX-License-Identifier: MIT
#include "base/vector_registers.h"

namespace openkeyring {

#ifdef __x86_64__

namespace {

// Register states that the system saves (XCR0).
constexpr unsigned kAvxState = 0x6, kAvx512State = 0xe6;
// Bits of CPUID.
constexpr unsigned kOsXsave = 1u << 27, kAvx = 1u << 28;  // Leaf 1, ECX.
constexpr unsigned kAvx512F = 1u << 16;                   // Leaf 7, EBX.

struct Cpuid {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

// Not by the compiler's own function, which needs an initializer that runs when
// the library is loaded.
Cpuid AskProcessor(unsigned leaf) {
  Cpuid answer;
  asm volatile("cpuid"
               : "=a"(answer.a), "=b"(answer.b), "=c"(answer.c), "=d"(answer.d)
               : "a"(leaf), "c"(0));
  return answer;
}

bool SystemSaves(unsigned state) {
  if ((AskProcessor(1).c & kOsXsave) == 0) return false;
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & state) == state;
}

bool HasAvx() {
  return SystemSaves(kAvxState) && (AskProcessor(1).c & kAvx) != 0;
}

bool HasAvx512() {
  return SystemSaves(kAvx512State) && AskProcessor(0).a >= 7 &&
         (AskProcessor(7).b & kAvx512F) != 0;
}

}  // namespace

void ClearVectorRegisters() {
  // Asked once: in a virtual machine each CPUID leaves it.
  static const bool has_avx512 = HasAvx512(), has_avx = HasAvx();
  if (has_avx512) {
    // We are not compiled to use these.
    asm volatile(
        ".irp i,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vpxord %%zmm\\i, %%zmm\\i, %%zmm\\i\n"
        ".endr" ::
            : "memory");
  }
  if (has_avx) {
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

#elif defined(__aarch64__)

void ClearVectorRegisters() {
  // Writing one clears the rest of a longer one (SVE), too.
  asm volatile(
      ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,"
      "25,26,27,28,29,30,31\n"
      "movi v\\i\\().2d, #0\n"
      ".endr" ::
          : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
            "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",
            "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
            "v29", "v30", "v31", "memory");
}

#else

void ClearVectorRegisters() {}

#endif

}  // namespace openkeyring
