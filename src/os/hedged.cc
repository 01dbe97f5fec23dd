// SPDX-License-Identifier: MIT
#include "os/hedged.h"

#include <mutex>
#include <vector>

#include "os/parallel.h"

namespace openkeyring {
namespace {

constexpr Millis kPause{10};  // Between two looks at the others.

class HedgedRun {
 public:
  HedgedRun(size_t count, Clock& clock, Millis patience)
      : clock_(clock), patience_(patience), attempts_(count) {}

  void Run(size_t index, const HedgedAttempt& attempt) {
    while (!MayStart(index)) {
      if (winner()) return;
      clock_.SleepFor(kPause);
    }
    const EndOfAttempt end(*this, index);
    if (attempt(index, cancellation_)) Won(index);
  }
  std::optional<size_t> winner() const {
    const std::lock_guard lock(mutex_);
    return winner_;
  }

 private:
  struct Attempt {
    std::optional<SteadyTime> started;
    bool ended = false;
  };
  // Also of one that throws.
  class EndOfAttempt {
   public:
    EndOfAttempt(HedgedRun& run, size_t index) : run_(run), index_(index) {}
    ~EndOfAttempt() {
      const std::lock_guard lock(run_.mutex_);
      run_.attempts_[index_].ended = true;
    }

   private:
    HedgedRun& run_;
    const size_t index_;
  };

  bool MayStart(size_t index) {
    const std::lock_guard lock(mutex_);
    if (winner_) return false;
    const SteadyTime now = clock_.Steady();
    if (index > 0) {
      const Attempt& before = attempts_[index - 1];
      const bool late = before.started && now - *before.started >= patience_;
      if (!before.ended && !late) return false;
    }
    attempts_[index].started = now;
    return true;
  }
  void Won(size_t index) {
    const std::lock_guard lock(mutex_);
    if (!winner_) winner_ = index;
    cancellation_.Cancel();
  }

  Clock& clock_;
  const Millis patience_;
  mutable std::mutex mutex_;
  std::vector<Attempt> attempts_;
  std::optional<size_t> winner_;
  Cancellation cancellation_;
};

}  // namespace

std::optional<size_t> RunHedged(size_t count, Clock& clock, Millis patience,
                                const HedgedAttempt& attempt) {
  HedgedRun run(count, clock, patience);
  RunParallel(count, count, [&](size_t index) { run.Run(index, attempt); });
  return run.winner();
}

}  // namespace openkeyring
