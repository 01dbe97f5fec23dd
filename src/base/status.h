// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_STATUS_H_
#define OPENKEYRING_BASE_STATUS_H_

#include <string>
#include <string_view>
#include <utility>

namespace openkeyring {

// What went wrong, by what a server can do about it. The set is closed: a new
// kind is only worth having when some caller would act differently on it.
enum class StatusCode {
  kOk = 0,
  // The authority itself said that the thing does not exist. Never used for
  // "could not find out": that is kUnavailable or kTimeout.
  kNotFound,
  kAlreadyExists,
  kInvalidArgument,  // The caller asked for something that makes no sense.
  kMisconfigured,    // An option, a file or a certificate must be fixed first.
  kDenied,           // Somebody with the right to refuse refused.
  kUnavailable,      // Not reachable or not able right now: worth a retry.
  kTimeout,          // No answer in the time allowed: worth a retry.
  // Refused for the rate of calls, before anything was done: worth a retry
  // after a pause, with fewer calls at once.
  kThrottled,
  kCorrupt,  // Stored bytes or an answer are not what they must be.
  kReadOnly,
  kInternal,  // A fault of this program or of its libraries.
};

// The name of a code as it appears in log lines, e.g. "Unavailable".
std::string_view StatusCodeName(StatusCode code);

// Success, or one error with a message for people. It says what was being
// done, what was refused and, where known, the cure. It never holds a secret.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message)
      : code_(code), message_(std::move(message)) {}

  static Status Ok() { return {}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // True for the kinds that may pass by waiting: kUnavailable, kTimeout and
  // kThrottled.
  bool IsTransient() const;
  // The same error, with "context: " put before its text. Ok stays Ok.
  Status WithContext(std::string_view context) const;
  // The same error, said to come from this machine's file system: no key server
  // had a part in it.
  Status OfFiles() const;
  bool is_of_files() const { return of_files_; }
  // "Unavailable: the text", or "OK".
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  bool of_files_ = false;
  std::string message_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_STATUS_H_
