// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_ADAPTIVE_PARALLELISM_H_
#define OPENKEYRING_KEYRING_ADAPTIVE_PARALLELISM_H_

#include <cstddef>
#include <functional>

#include "base/status.h"
#include "os/clock.h"
#include "os/random.h"

namespace openkeyring {

// How long to wait after a throttled round of calls: a random part of a bound
// that doubles with each throttled round, from 1 to 32 seconds, and halves with
// each round that was not throttled. The random part keeps servers that were
// throttled together from coming back together.
// Threads: one at a time.
class ThrottlePause {
 public:
  // `random` is borrowed.
  explicit ThrottlePause(Random& random) : random_(random) {}

  // The pause after a throttled round: 50 ms or more, and otherwise below the
  // bound and below `left`, so that the time that is left is used.
  Millis AfterThrottle(Millis left);
  void AfterSuccess();
  // Whether the pauses are as short as before the first throttling.
  bool IsShortest() const { return doublings_ == 0; }

 private:
  static constexpr int kMostDoublings = 6;
  Random& random_;
  int doublings_ = 0;
};

// How many calls of a key server a batch has under way at once, by what the
// server says about the rate (AIMD, as TCP's congestion control):
//
//   state      a round is                a throttled round   another round
//   full       all that is left, `most`  -> slowed, halved   -> full
//              calls at once
//   slowed     8 calls for each of       halved, not below   one more at once;
//              parallelism() at once     1; a pause          at `most` and with
//                                                            the shortest pause
//                                                            -> full
//
// A round is throttled when one of its calls was: no further call of it begins,
// and what is left comes in the next one, after a random pause. Without
// throttling there is no pause and no second round. At one call at once the
// growing pauses bring the rate further down: 5,000 servers that start together
// must together stay below what KMS allows an account.
//
// Threads: one at a time.
class AdaptiveParallelism {
 public:
  // `random` is borrowed.
  AdaptiveParallelism(size_t most, Random& random);

  size_t parallelism() const { return now_; }
  // How many calls the next round has of the `left` ones.
  size_t RoundSize(size_t left) const;
  void AfterSuccess();
  // The pause before the next round, for which there is no time when it is not
  // below `left`.
  Millis AfterThrottle(Millis left);

 private:
  const size_t most_;
  size_t now_;
  bool is_full_ = true;
  ThrottlePause pause_;
};

// How long a batch that makes keys goes on while it is throttled.
constexpr Millis kLongestThrottledCreation{60000};

// How a batch ended.
enum class [[nodiscard]] BatchEnd{
    kComplete,   // Each job has ended in something other than kThrottled.
    kOutOfTime,  // Some are throttled still, and others may not have been
                 // called.
};

// Calls job(0) ... job(count - 1) in rounds as above, until each has ended in
// something other than kThrottled or no time is left until `deadline`; then
// none is repeated, and what is left of a throttled round is not called at all.
// That is already so when no pause fits into what is left.
// `job` must be repeatable, and give calls a deadline that reports throttling.
// Exceptions: see RunParallel.
BatchEnd RunAdaptive(size_t count, AdaptiveParallelism& parallelism,
                     Clock& clock, const Deadline& deadline,
                     const std::function<Status(size_t)>& job);

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_ADAPTIVE_PARALLELISM_H_
