// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_FUZZ_CHECK_H_
#define OPENKEYRING_FUZZ_CHECK_H_

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace openkeyring {

// What must hold for every input. Aborts, which libFuzzer reports with the
// input.
inline void Check(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

inline std::string_view InputText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Fit for a log line.
inline bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace openkeyring

#endif  // OPENKEYRING_FUZZ_CHECK_H_
