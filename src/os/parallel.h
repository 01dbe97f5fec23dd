// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_PARALLEL_H_
#define OPENKEYRING_OS_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace openkeyring {

// Calls job(0) ... job(count - 1), up to `workers` of them at once, and returns
// when all are done. The calling thread works too, so that it also works where
// no thread can be had. Threads are joined before it returns and take no
// signals, which belong to the host. When a library throws through `job` (out
// of memory, mostly), in whatever thread, the other jobs are done and the first
// exception is thrown again here, for the caller's guard.
void RunParallel(size_t count, size_t workers,
                 const std::function<void(size_t)>& job);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_PARALLEL_H_
