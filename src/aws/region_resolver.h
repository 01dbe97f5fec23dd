// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_REGION_RESOLVER_H_
#define OPENKEYRING_AWS_REGION_RESOLVER_H_

#include <mutex>
#include <string>

#include "aws/settings.h"
#include "aws/world.h"

namespace openkeyring {

// The signing region, found when it is first needed: what the settings say,
// else the region of the instance (IMDS), else "us-east-1", which is noted in
// the log together with the reason. An answer of IMDS is kept; a failure to
// reach it is asked again after a minute.
//
// Threads: Region may be called at once. No lock is held during the request.
class RegionResolver {
 public:
  RegionResolver(AwsWorld world, const AwsSettings& settings);
  std::string Region(const Deadline& deadline);

 private:
  AwsWorld world_;
  const bool ask_imds_;
  std::mutex mutex_;
  std::string region_;  // Final, or empty.
  std::string fallback_;
  SteadyTime ask_again_{};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_REGION_RESOLVER_H_
