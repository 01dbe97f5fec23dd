// SPDX-License-Identifier: MIT
#include "os/hedged.h"

#include <condition_variable>
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
    if (!AwaitTurn(index)) return;
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

  // Whether it is to be started; false after a success of another one.
  bool AwaitTurn(size_t index) {
    std::unique_lock lock(mutex_);
    if (index > 0) {
      started_.wait(lock,
                    [&] { return winner_ || attempts_[index - 1].started; });
    }
    while (!winner_ && index > 0 && !IsLate(attempts_[index - 1])) {
      lock.unlock();
      clock_.SleepFor(kPause);
      lock.lock();
    }
    if (winner_) return false;
    attempts_[index].started = clock_.Steady();
    started_.notify_all();
    return true;
  }
  bool IsLate(const Attempt& attempt) const {
    return attempt.ended || clock_.Steady() - *attempt.started >= patience_;
  }
  void Won(size_t index) {
    const std::lock_guard lock(mutex_);
    if (!winner_) winner_ = index;
    cancellation_.Cancel();
    started_.notify_all();
  }

  Clock& clock_;
  const Millis patience_;
  mutable std::mutex mutex_;
  std::condition_variable started_;  // An attempt, or there is a winner.
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
