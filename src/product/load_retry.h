// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_LOAD_RETRY_H_
#define OPENKEYRING_PRODUCT_LOAD_RETRY_H_

#include <functional>
#include <string>

#include "base/log.h"
#include "base/status.h"
#include "os/clock.h"
#include "os/random.h"

namespace openkeyring {

// How long loading a keyring may take: at the start of a database server, which
// waits for a key server that comes back, or at a reload, which sessions wait
// for.
struct LoadRetryPolicy {
  bool is_first = true;
  Deadline deadline;
  std::string option = "startup_deadline_ms";  // That sets the deadline.
  // Also what does not pass by itself: what comes after is a last resort.
  bool retry_all = false;
};

// Calls `load` until it succeeds, fails for a reason that does not pass, or a
// first load's time is over: every half second, and after throttling after a
// random pause (ThrottlePause). The first failure that is tried again is a
// warning. What `load` says last; of a reload also that its time is over.
Status LoadWithRetry(Clock& clock, Random& random, Log& log,
                     const LoadRetryPolicy& policy,
                     const std::function<Status()>& load);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_LOAD_RETRY_H_
