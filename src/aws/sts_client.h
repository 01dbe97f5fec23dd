// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_STS_CLIENT_H_
#define OPENKEYRING_AWS_STS_CLIENT_H_

#include <functional>
#include <optional>
#include <string>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/region_resolver.h"
#include "aws/settings.h"
#include "aws/sts_messages.h"

namespace openkeyring {

// AWS STS at its regional endpoint, or where the settings say.
//
// Both operations may safely be sent twice. What may pass is tried again, up to
// the settings' number of attempts (at least 3 for an identity provider that
// does not answer STS), within the deadline; a clock that differs from AWS's is
// corrected once. Errors: see AwsErrorStatus and HttpClient, with the role in
// the text; never kNotFound.
//
// Threads: all methods may be called concurrently.
class StsClient {
 public:
  // `world` and `region` are borrowed.
  StsClient(AwsDependencies world, const AwsSettings& settings,
            RegionResolver& region);

  // Signed by `caller`.
  Result<Credentials> AssumeRole(const Credentials& caller,
                                 const RoleRequest& role,
                                 const Deadline& deadline);
  // Not signed. The file is read anew for every attempt: its owner replaces it
  // before the token in it ends. kMisconfigured when it cannot be read.
  Result<Credentials> AssumeRoleWithWebIdentity(const std::string& token_file,
                                                const RoleRequest& role,
                                                const Deadline& deadline);

  // "openkeyring-<hex>": one name for all sessions of this object.
  const std::string& DefaultSessionName() const { return session_name_; }

 private:
  // Makes the request of one attempt, for that region and dated `now`.
  using MakeRequest = std::function<Result<HttpRequest>(
      const std::string& region, WallTime now)>;

  struct Call;  // The running state of one operation.

  Result<Credentials> Run(const char* operation, const RoleRequest& role,
                          const MakeRequest& make, const Deadline& deadline);
  Result<HttpResponse> SendOnce(Call& call, const MakeRequest& make,
                                const Deadline& deadline);
  bool MayRepeat(Call& call, const Result<HttpResponse>& answer,
                 const Deadline& deadline);
  bool CorrectsClock(Call& call, const AwsError& error);
  bool WaitForRetry(Call& call, int attempts, std::optional<Millis> wish,
                    const Deadline& deadline);
  HttpRequest EmptyPost(const std::string& region) const;
  Result<Secret> ReadToken(const std::string& path) const;

  AwsDependencies world_;
  const AwsSettings settings_;
  RegionResolver& region_;
  const std::string session_name_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_STS_CLIENT_H_
