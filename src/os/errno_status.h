// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_ERRNO_STATUS_H_
#define OPENKEYRING_OS_ERRNO_STATUS_H_

#include <string>

#include "base/status.h"

namespace openkeyring {

// The error of a system call that failed: "cannot <what> <path>: <reason>". The
// reason and the code are those of `error`, an errno.
Status ErrnoStatus(int error, const char* what, const std::string& path);

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_ERRNO_STATUS_H_
