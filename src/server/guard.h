// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_GUARD_H_
#define OPENKEYRING_SERVER_GUARD_H_

#include <exception>
#include <string>

#include "base/log.h"

namespace openkeyring {

// The guard around every function that a server calls: what a library throws
// (bad_alloc, mostly) becomes one log line and `on_throw`; no exception reaches
// the server's own frames.
template <typename Result, typename Work>
Result Guarded(Log& log, Result on_throw, Work&& work) noexcept {
  try {
    return work();
  } catch (const std::exception& error) {
    try {
      log.Write(LogLevel::kError,
                std::string("internal error: ") + error.what());
    } catch (...) {
      // Even saying so failed: the caller still gets its error code.
    }
  } catch (...) {
  }
  return on_throw;
}

// The same where nothing can be logged yet: only `on_throw` tells.
template <typename Result, typename Work>
Result GuardedSilently(Result on_throw, Work&& work) noexcept {
  try {
    return work();
  } catch (...) {
    return on_throw;
  }
}

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_GUARD_H_
