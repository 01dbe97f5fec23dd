// SPDX-License-Identifier: MIT
#include "server/failure_log.h"

namespace openkeyring {

bool IsOrdinaryFailure(const Status& status) {
  return status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kAlreadyExists ||
         status.code() == StatusCode::kInvalidArgument;
}

void FailureLog::Write(const Status& failure) {
  if (!IsOrdinaryFailure(failure)) ++count_;
  if (!throttle_.Admits(failure.message())) return;
  log_.Write(IsOrdinaryFailure(failure) ? LogLevel::kNote : LogLevel::kError,
             failure.message());
}

}  // namespace openkeyring
