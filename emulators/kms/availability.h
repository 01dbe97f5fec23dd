// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_AVAILABILITY_H_
#define OPENKEYRING_EMULATORS_KMS_AVAILABILITY_H_

#include <mutex>
#include <optional>
#include <string>

#include "emulators/kms/faults.h"
#include "os/clock.h"
#include "os/random.h"

namespace kms_emulator {

// The request quota that all callers of an account share: a token bucket.
// Not synchronized.
class RequestQuota {
 public:
  // `per_second` 0: no quota. `burst`: what the bucket holds, full at first.
  void Set(double per_second, double burst, openkeyring::SteadyTime now);
  // False when the request is one too many; it takes nothing then.
  bool Take(openkeyring::SteadyTime now);

  double per_second() const { return per_second_; }
  double burst() const { return burst_; }

 private:
  double per_second_ = 0;
  double burst_ = 0;
  double tokens_ = 0;
  openkeyring::SteadyTime filled_{};
};

// How the service does as a whole, apart from planted faults: its quota, a
// percentage of internal errors, an outage at a set time. The quota and the
// errors are KMS's, the outage is KMS's and STS's.
// Threads: all methods may be called concurrently.
class Availability {
 public:
  // Both borrowed.
  Availability(openkeyring::Clock& clock, openkeyring::Random& random)
      : clock_(clock), random_(random) {}

  void SetQuota(double per_second, double burst);
  // Of 100 requests, so many end in KMSInternalException (500).
  void SetErrors(double percent);
  // From `after` until `duration` later each request is hit by `fault`.
  void PlanOutage(openkeyring::Millis after, openkeyring::Millis duration,
                  Fault fault);
  // {"quota": ..., "errors": ..., "outage": ...}
  Json ToJson() const;

  // What becomes of a request that no planted fault hits. A request that is
  // throttled, or comes during an outage, uses none of the quota.
  std::optional<Fault> FaultFor(const std::string& service);

 private:
  bool IsOutLocked(openkeyring::SteadyTime now) const;

  openkeyring::Clock& clock_;
  openkeyring::Random& random_;
  mutable std::mutex mutex_;  // Guards all below.
  RequestQuota quota_;
  double error_percent_ = 0;
  openkeyring::SteadyTime outage_begins_{}, outage_ends_{};
  Fault outage_;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_AVAILABILITY_H_
