// SPDX-License-Identifier: MIT
#include "aws/aws_clock.h"

#include <string>

namespace openkeyring {
namespace {

constexpr std::chrono::minutes kSkewThatMatters{2};

}  // namespace

bool AwsClock::Correct(WallTime used, WallTime date) {
  if (std::chrono::abs(date - used) < kSkewThatMatters) return false;
  const auto offset = std::chrono::duration_cast<Millis>(date - machine_.Now());
  const Millis old(offset_ms_.exchange(offset.count()));
  // Of calls that fail together, the first corrects the clock.
  if (std::chrono::abs(offset - old) < kSkewThatMatters) return true;
  log_.Write(
      LogLevel::kWarning,
      "this machine's clock differs from AWS's by " +
          std::to_string(-offset.count() / 1000) +
          " seconds; requests are signed with AWS's time. Set the clock");
  return true;
}

}  // namespace openkeyring
