// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_REGION_RESOLVER_H_
#define OPENKEYRING_AWS_REGION_RESOLVER_H_

#include <condition_variable>
#include <mutex>
#include <string>

#include "aws/dependencies.h"
#include "aws/settings.h"

namespace openkeyring {

// The signing region, found when it is first needed: what the settings say,
// else the region of the instance (IMDS), else "us-east-1", which is noted in
// the log together with the reason. An answer of IMDS is kept; a failure to
// reach it is asked again after a minute.
//
// Threads: Region may be called concurrently; while one call asks IMDS the
// others wait for its answer. No lock is held during the request.
class RegionResolver {
 public:
  RegionResolver(AwsDependencies dependencies, const AwsSettings& settings);
  std::string Region(const Deadline& deadline);

 private:
  void Ask(const Deadline& deadline);
  void RememberFailure(const Status& error);

  AwsDependencies dependencies_;
  const std::string profile_;  // Whose keys say how to reach IMDS.
  std::mutex mutex_;
  std::condition_variable asked_;
  bool asking_ = false;  // One thread asks; the others wait for it.
  std::string region_;   // Final, or empty.
  bool failed_ = false;  // The fallback is in use, and the log says so.
  SteadyTime ask_again_{};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_REGION_RESOLVER_H_
