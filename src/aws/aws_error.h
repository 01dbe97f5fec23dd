// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_AWS_ERROR_H_
#define OPENKEYRING_AWS_AWS_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/call_statistics.h"
#include "net/http.h"
#include "os/clock.h"

namespace openkeyring {

// What AWS, or something between us and AWS, said instead of an answer.
struct AwsError {
  int http_status = 0;
  std::string code;     // "ThrottlingException"; "" when the body has none.
  std::string message;  // For a person; at most 400 bytes, printable.
  std::string request_id;
  std::optional<WallTime> date;       // The answer's Date header.
  std::optional<Millis> retry_after;  // x-amz-retry-after.
};

// Reads any error answer: JSON (`__type`, `code`; `message`, `Message`; header
// x-amzn-ErrorType), XML (<Code>, <Message>), an HTML page, plain text or
// nothing. Never fails.
AwsError ParseAwsError(const HttpResponse& response);

// What to do about an error.
struct AwsErrorClass {
  StatusCode code = StatusCode::kUnavailable;
  bool retry = false;                // May pass by waiting.
  bool refresh_credentials = false;  // Worth one try with fresh credentials.
  bool may_be_clock_skew = false;    // Worth one try with a corrected clock.
  std::string_view advice;           // The fix, for a person; may be empty.
  bool not_done = false;   // Refused before anything was done: throttling.
  int least_attempts = 1;  // Whatever the settings say.
};

// Never kNotFound: that a KMS key is missing is kMisconfigured here, so that it
// cannot be mistaken for a missing data key.
AwsErrorClass ClassifyAwsError(const AwsError& error);

// What it says of the KMS key; nothing when it is about something else.
std::optional<WrappingKeyState> KeyStateOf(const AwsError& error);

// "<operation> failed: <code>: <message> (HTTP 400, request id ...); <advice>"
Status AwsErrorStatus(std::string_view operation, const AwsError& error);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7, IMF-fixdate), of the years
// 1970 to 2200. The name of the weekday is not checked.
std::optional<WallTime> ParseHttpDate(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_AWS_ERROR_H_
