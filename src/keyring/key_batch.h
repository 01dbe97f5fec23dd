// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_KEY_BATCH_H_
#define OPENKEYRING_KEYRING_KEY_BATCH_H_

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "keyring/key.h"
#include "os/clock.h"
#include "os/random.h"

namespace openkeyring {

// Calls job(i, deadline), up to `parallelism` of them at once, for keys of
// which every single one must succeed; names[i] is key i's. `doing` completes
// "cannot ...". When the key server throttles, fewer run at once and what was
// throttled is repeated (RunAdaptive): `job` must be repeatable, and give its
// calls the deadline that it gets.
//
// The error names one key that failed for a reason that does not pass, or else
// any, and tells how many failed and how many were not tried: none is tried
// after the deadline, nor after as many in a row have failed for want of an
// answer as run in parallel.
Status ForEveryKey(const std::vector<KeyName>& names, size_t parallelism,
                   Clock& clock, Random& random, const Deadline& deadline,
                   std::string_view doing,
                   const std::function<Status(size_t, const Deadline&)>& job);

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_KEY_BATCH_H_
