// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_HEDGED_H_
#define OPENKEYRING_OS_HEDGED_H_

#include <cstddef>
#include <functional>
#include <optional>

#include "os/cancellation.h"
#include "os/clock.h"

namespace openkeyring {

// Alternatives in order of preference, of which one success is enough. Calls
// attempt(0); attempt(i + 1) is started when attempt(i) has failed, or has not
// returned for `patience`; none is started after a success, and those that
// still run are then cancelled. Returns when all that were started have
// returned: which one succeeded first, if any did.
//
// Threads: attempts run in threads of their own, joined before this returns, or
// one after the other where no thread can be had; a single one runs in the
// calling thread. What an attempt throws counts as failure, and is thrown again
// when all have ended.
using HedgedAttempt = std::function<bool(size_t index, const Cancellation&)>;
std::optional<size_t> RunHedged(size_t count, Clock& clock, Millis patience,
                                const HedgedAttempt& attempt);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_HEDGED_H_
