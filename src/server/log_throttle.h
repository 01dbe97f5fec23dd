// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_LOG_THROTTLE_H_
#define OPENKEYRING_SERVER_LOG_THROTTLE_H_

#include <map>
#include <mutex>
#include <string>

#include "os/clock.h"

namespace openkeyring {

// Keeps an error log readable: a server asks for a missing key thousands of
// times a second and each answer is the same line. A line is written once, then
// suppressed for a while; when too many different lines are suppressed, new
// ones are, too, until the oldest are due again.
//
// Threads: all methods may be called concurrently.
class LogThrottle {
 public:
  // `clock` is borrowed. `interval`: how long a line is suppressed.
  explicit LogThrottle(Clock& clock, Millis interval = Millis(10000))
      : clock_(clock), interval_(interval) {}

  // Whether this line is to be written now. True starts its interval.
  bool Admits(const std::string& line);

 private:
  static constexpr size_t kMaxLines = 256;

  Clock& clock_;
  const Millis interval_;
  std::mutex mutex_;
  std::map<std::string, SteadyTime> suppressed_until_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_LOG_THROTTLE_H_
