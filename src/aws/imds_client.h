// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_IMDS_CLIENT_H_
#define OPENKEYRING_AWS_IMDS_CLIENT_H_

#include <string>

#include "aws/dependencies.h"
#include "base/result.h"
#include "base/secret.h"

namespace openkeyring {

// The EC2 instance metadata service, version 2 (a session token first), with
// version 1 where the instance knows no tokens and nobody forbids it.
//
// Settings, environment before the profile's key:
//   AWS_EC2_METADATA_DISABLED                true: do not ask
//   AWS_EC2_METADATA_SERVICE_ENDPOINT        default http://169.254.169.254
//   AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE   IPv4, or IPv6 for fd00:ec2::254
//   AWS_EC2_METADATA_V1_DISABLED             true: version 2 only
//   AWS_METADATA_SERVICE_TIMEOUT             seconds a request, default 1
//   AWS_METADATA_SERVICE_NUM_ATTEMPTS        default 1
// An answer of 5xx or 429, or an empty one, shows that the service is there:
// these are asked again up to 3 times even when the number of attempts is 1.
// That an instance knows no tokens is remembered as long as a token would be.
//
// Threads: one at a time for one object.
class ImdsClient {
 public:
  // `profile` is the one whose keys count.
  ImdsClient(AwsDependencies dependencies, std::string profile)
      : dependencies_(dependencies), profile_(std::move(profile)) {}

  // The text at `path`, e.g. "/latest/meta-data/placement/region".
  //
  //   kNotFound       switched off, or the service says that it has no such
  //                   thing (404)
  //   kUnavailable    no answer (with the usual reasons), or 5xx
  //   kTimeout        the deadline left no time to ask
  //   kDenied         the service refuses (403)
  //   kMisconfigured  a setting that cannot be right
  Result<Secret> Get(const std::string& path, const Deadline& deadline);

 private:
  struct Settings {
    std::string endpoint;  // Without "/" at its end.
    Millis timeout{1000};
    int attempts = 1;
    bool allow_v1 = true;
  };

  Result<Settings> ReadSettings() const;
  Status RenewToken(const Settings& settings, const Deadline& deadline);
  Result<HttpResponse> GetOnce(const Settings& settings,
                               const std::string& path,
                               const Deadline& deadline);
  Result<HttpResponse> Send(const Settings& settings,
                            const HttpRequest& request,
                            const Deadline& deadline);

  AwsDependencies dependencies_;
  const std::string profile_;
  std::string endpoint_;  // That gave what follows.
  Secret token_;          // Empty when there is none to use.
  SteadyTime token_end_{};
  SteadyTime version1_end_{};  // Until then no token is asked for.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_IMDS_CLIENT_H_
