// SPDX-License-Identifier: MIT
#include "base/status.h"

namespace openkeyring {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kNotFound:
      return "NotFound";
    case StatusCode::kAlreadyExists:
      return "AlreadyExists";
    case StatusCode::kInvalidArgument:
      return "InvalidArgument";
    case StatusCode::kMisconfigured:
      return "Misconfigured";
    case StatusCode::kDenied:
      return "Denied";
    case StatusCode::kUnavailable:
      return "Unavailable";
    case StatusCode::kTimeout:
      return "Timeout";
    case StatusCode::kThrottled:
      return "Throttled";
    case StatusCode::kCorrupt:
      return "Corrupt";
    case StatusCode::kReadOnly:
      return "ReadOnly";
    case StatusCode::kInternal:
      return "Internal";
  }
  return "Internal";
}

bool Status::IsTransient() const {
  return code_ == StatusCode::kUnavailable || code_ == StatusCode::kTimeout ||
         code_ == StatusCode::kThrottled;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  Status told = *this;
  told.message_ = std::string(context) + ": " + message_;
  return told;
}

Status Status::OfFiles() const {
  Status marked = *this;
  marked.of_files_ = !ok();
  return marked;
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  return std::string(StatusCodeName(code_)) + ": " + message_;
}

}  // namespace openkeyring
