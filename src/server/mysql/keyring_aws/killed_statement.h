// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_KILLED_STATEMENT_H_
#define OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_KILLED_STATEMENT_H_

#include <functional>

#include "base/status.h"
#include "os/cancellation.h"
#include "server/mysql/abi/component.h"

namespace openkeyring {

// Runs a long part of the running statement. `work` is cancelled within 100 ms
// when the statement or its session is killed, as a shutdown does to all of
// them and then waits, and together with `stopping`. A server that does not
// tell lets it run to its own end.
//
// `work` may run in another thread, so it must not use what belongs to the
// thread of the statement. That thread has ended when this returns.
Status RunUntilKilled(Registry* registry, const Cancellation& stopping,
                      const std::function<Status(const Cancellation&)>& work);

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_KILLED_STATEMENT_H_
