// SPDX-License-Identifier: MIT
#include "os/errno_status.h"

#include <errno.h>
#include <string.h>

namespace openkeyring {
namespace {

StatusCode CodeOfErrno(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case ELOOP:
      return StatusCode::kDenied;
    case EEXIST:
      return StatusCode::kAlreadyExists;
    case EROFS:
      return StatusCode::kReadOnly;
    default:
      return StatusCode::kUnavailable;
  }
}

}  // namespace

Status ErrnoStatus(int error, const char* what, const std::string& path) {
  char text[128];
  const char* reason = strerror_r(error, text, sizeof text);
  return Status(CodeOfErrno(error),
                std::string("cannot ") + what + " " + path + ": " + reason)
      .OfFiles();
}

}  // namespace openkeyring
