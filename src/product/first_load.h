// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_FIRST_LOAD_H_
#define OPENKEYRING_PRODUCT_FIRST_LOAD_H_

#include <functional>

#include "base/log.h"
#include "base/status.h"
#include "os/clock.h"

namespace openkeyring {

// How long loading a keyring may take: at the start of a server, which waits
// for a key server that comes back, or at a reload, which others wait for.
struct LoadPatience {
  bool is_first = true;
  Deadline deadline;
};

// Calls `load` until it succeeds, fails for a reason that does not pass, or a
// first load's time is over. The first failure that is tried again is a
// warning. What `load` says last.
Status LoadPatiently(Clock& clock, Log& log, const LoadPatience& patience,
                     const std::function<Status()>& load);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_FIRST_LOAD_H_
