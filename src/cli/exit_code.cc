// SPDX-License-Identifier: MIT
#include "cli/exit_code.h"

namespace openkeyring {
namespace {

ExitCode ServerExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return ExitCode::kOk;
    case StatusCode::kMisconfigured:
    case StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case StatusCode::kDenied:
    case StatusCode::kUnavailable:
    case StatusCode::kTimeout:
    case StatusCode::kThrottled:
      return ExitCode::kUnreachable;
    case StatusCode::kCorrupt:
      return ExitCode::kProblems;
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kReadOnly:
    case StatusCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace

ExitCode ExitCodeOf(const Status& status) {
  // What is missing deep in a keyring is not a path that somebody gave.
  const bool of_files =
      status.is_of_files() && status.code() != StatusCode::kNotFound;
  return of_files ? FileExitCodeOf(status) : ServerExitCodeOf(status);
}

ExitCode FileExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kNotFound:
    case StatusCode::kDenied:
      return ExitCode::kUsage;
    case StatusCode::kUnavailable:
    case StatusCode::kTimeout:
    case StatusCode::kThrottled:
      return ExitCode::kFailed;
    default:
      return ServerExitCodeOf(status);
  }
}

}  // namespace openkeyring
