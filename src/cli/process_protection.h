// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_PROCESS_PROTECTION_H_
#define OPENKEYRING_CLI_PROCESS_PROTECTION_H_

#include "base/status.h"

namespace openkeyring {

// Before the first secret is read: no core dump of this process, nobody but
// root may attach a debugger to it, files that it makes are readable by nobody
// else unless they say so, and the limit of locked memory is raised as far as
// it may be. The arena of Secret locks the pages themselves.
//
// kInternal when core dumps cannot be turned off; the rest is an attempt.
Status ProtectProcess();

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_PROCESS_PROTECTION_H_
