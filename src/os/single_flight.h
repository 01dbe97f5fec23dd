// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_OS_SINGLE_FLIGHT_H_
#define OPENKEYRING_OS_SINGLE_FLIGHT_H_

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "os/clock.h"

namespace openkeyring {

// At most one caller at a time does the work of a key ("single flight"); who
// asks for the same key meanwhile waits and gets that caller's outcome. Other
// keys are not delayed, and no lock is held while the work runs.
//
// A caller should check inside `work` whether the work is still needed: another
// flight may have landed between the caller's own check and Run.
//
// Threads: all methods may be called concurrently. `work` must not call Run for
// its own key.
template <typename Key, typename Outcome>
class SingleFlight {
 public:
  // `clock` is borrowed; it measures how long a caller waits for another.
  explicit SingleFlight(Clock& clock) : clock_(clock) {}

  // Runs `work`, or waits until `deadline` for the caller that runs it already;
  // a deadline that has passed means not to wait. Nothing when the other
  // caller was not done in time, or its work ended by an exception.
  std::optional<Outcome> Run(const Key& key, const Deadline& deadline,
                             const std::function<Outcome()>& work) {
    std::unique_lock lock(mutex_);
    std::shared_ptr<Flight>& flying = flights_[key];
    if (flying != nullptr) return Wait(lock, flying, deadline);
    const auto flight = std::make_shared<Flight>();
    flying = flight;
    lock.unlock();
    const Landing landing{*this, key, *flight};
    return flight->outcome = work();
  }

  // Whether a caller is at work on `key` right now.
  bool IsRunning(const Key& key) const {
    const std::lock_guard lock(mutex_);
    return flights_.contains(key);
  }

 private:
  struct Flight {
    bool landed = false;
    std::optional<Outcome> outcome;
  };
  // Lets the waiting callers go, even when a library throws through `work`.
  struct Landing {
    ~Landing() {
      {
        const std::lock_guard lock(flights.mutex_);
        flight.landed = true;
        flights.flights_.erase(key);
      }
      flights.landed_.notify_all();
    }
    SingleFlight& flights;
    const Key& key;
    Flight& flight;
  };

  std::optional<Outcome> Wait(std::unique_lock<std::mutex>& lock,
                              std::shared_ptr<Flight> flight,
                              const Deadline& deadline) {
    constexpr Millis kSlice{50};  // The injected clock is looked at so often.
    while (!flight->landed && !deadline.Passed(clock_)) {
      landed_.wait_for(lock, std::min(kSlice, deadline.Remaining(clock_)));
    }
    return flight->landed ? flight->outcome : std::nullopt;
  }

  Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable landed_;
  std::map<Key, std::shared_ptr<Flight>> flights_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_OS_SINGLE_FLIGHT_H_
