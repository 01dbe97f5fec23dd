// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_REGION_RESOLVER_H_
#define OPENKEYRING_AWS_REGION_RESOLVER_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "aws/dependencies.h"
#include "aws/settings.h"
#include "os/single_flight.h"

namespace openkeyring {

// The signing region, found when it is first needed: what the settings say,
// else the region in a key's ARN, else the region of the instance (IMDS).
//
// That IMDS cannot be reached is an error that may pass, and never a region: a
// key that is wrapped in a guessed region cannot be opened once the real one is
// known. Only where IMDS is switched off, or says that it knows no region, is
// it "us-east-1", which is logged as a warning. An answer of IMDS is kept; a
// failure is repeated to all callers for two seconds.
//
// Threads: all methods may be called concurrently; while one call asks IMDS the
// others wait for its answer. No lock is held during the request.
class RegionResolver {
 public:
  // `configured_key` gives the id of the KMS key that new keys are wrapped
  // under; null when there is none. `dependencies` is borrowed.
  RegionResolver(AwsDependencies dependencies, const AwsSettings& settings,
                 std::function<std::string()> configured_key = nullptr);

  // For a call about that key; any region will do for "". Of a multi-region key
  // the replica beside the configured key is meant.
  //
  // kUnavailable, kTimeout when IMDS does not answer, kMisconfigured when it
  // refuses or cannot be asked; the error says to set the region.
  Result<std::string> RegionFor(const std::string& key_id,
                                const Deadline& deadline);

 private:
  Result<std::string> RegionOfInstance(const Deadline& deadline);
  // What is known without asking; expects mutex_ to be held.
  std::optional<Result<std::string>> Known() const;
  void Ask(const Deadline& deadline);

  AwsDependencies dependencies_;
  const std::string profile_;  // Whose keys say how to reach IMDS.
  const std::string configured_region_;
  const std::function<std::string()> configured_key_;
  SingleFlight<int, bool> requests_;  // Of one key; the outcome lies below.
  std::mutex mutex_;
  std::string region_;  // Of the instance, or the fallback; final, or empty.
  Status last_error_;
  SteadyTime quiet_until_{};  // Until then last_error_ is everybody's.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_REGION_RESOLVER_H_
