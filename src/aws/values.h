// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_VALUES_H_
#define OPENKEYRING_AWS_VALUES_H_

#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/result.h"
#include "base/secret.h"
#include "os/clock.h"

// Single values that several credential sources read and check alike.
namespace openkeyring {

// ISO 8601 as AWS and credential processes write it: a date, "T" (or a space),
// a time with or without a fraction, and "Z", "+hh:mm", "+hhmm" or nothing
// (UTC). A time beyond the year 2200 is the end of that year. Nothing when it
// is something else.
std::optional<WallTime> ParseIsoTime(std::string_view text);

// "2026-01-02T03:04:05Z", for people.
std::string IsoTime(WallTime time);

// "true" or "false" in any case; kMisconfigured, naming `origin`, for the rest.
Result<bool> ParseBool(std::string_view text, std::string_view origin);

// A whole number from `least` to `most`; kMisconfigured otherwise, as above.
Result<int> ParseNumber(std::string_view text, int least, int most,
                        std::string_view origin);

// The value as a secret; the memory it came in is wiped.
Secret TakeSecret(std::string value);

// kMisconfigured when the id or a secret is empty, far too long or has
// characters that no AWS key has: such text would also end up in headers.
Status CheckCredentials(const Credentials& credentials);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_VALUES_H_
