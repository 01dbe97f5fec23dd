// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_RANDOM_H_
#define OPENKEYRING_OS_RANDOM_H_

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"

namespace openkeyring {

// Random bytes, injected. Threads: all methods may be called concurrently.
class Random {
 public:
  virtual ~Random() = default;
  // Fills `out` with bytes fit for keys, or fails and the bytes are unusable.
  virtual Status Fill(std::span<uint8_t> out) = 0;
  // A number in [0, 1), for jitter only: never fails, may be predictable.
  virtual double Fraction() = 0;
};

// OpenSSL's generator. Lives for the process.
Random& SystemRandom();

// `bytes` random bytes as hex, for names of temporary files and sessions.
std::string RandomHex(Random& random, size_t bytes);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_RANDOM_H_
