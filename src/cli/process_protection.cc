// SPDX-License-Identifier: MIT
#include "cli/process_protection.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace openkeyring {

Status ProtectProcess() {
  const rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) {
    return {StatusCode::kInternal,
            "core dumps of this process cannot be turned off"};
  }
  (void)umask(077);
  rlimit locked = {};
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
    locked.rlim_cur = locked.rlim_max;
    (void)setrlimit(RLIMIT_MEMLOCK, &locked);
  }
  return Status::Ok();
}

}  // namespace openkeyring
