// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_REPEAT_FILTER_H_
#define OPENKEYRING_SERVER_REPEAT_FILTER_H_

#include <map>
#include <mutex>
#include <string>

#include "os/clock.h"

namespace openkeyring {

// Keeps a log readable: a server asks for a missing key thousands of times a
// second, and each answer has the same text. Threads: at once.
class RepeatFilter {
 public:
  explicit RepeatFilter(Clock& clock, Millis pause = Millis(10000))
      : clock_(clock), pause_(pause) {}

  // True when this text was not let through within the pause.
  bool Allows(const std::string& text);

 private:
  static constexpr size_t kMaxTexts = 256;

  Clock& clock_;
  const Millis pause_;
  std::mutex mutex_;
  std::map<std::string, SteadyTime> quiet_until_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_REPEAT_FILTER_H_
