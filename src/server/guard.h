// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_GUARD_H_
#define OPENKEYRING_SERVER_GUARD_H_

#include <exception>
#include <string>

#include "base/log.h"

namespace openkeyring {

// The firewall around every function that a server calls: what a library throws
// (bad_alloc, mostly) becomes one log line and `on_throw`, never an exception
// in a stranger's stack.
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

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_GUARD_H_
