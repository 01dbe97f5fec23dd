// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_PROFILE_WEB_IDENTITY_H_
#define OPENKEYRING_AWS_CREDENTIALS_PROFILE_WEB_IDENTITY_H_

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/shared_files.h"
#include "aws/sts_client.h"

namespace openkeyring {

// The role that a profile names, with its session name (or the client's) and
// its duration_seconds. kMisconfigured for a duration out of range, and for
// mfa_serial, since there is nobody to ask.
Result<RoleRequest> RoleOfProfile(const SharedFiles& files,
                                  const std::string& profile,
                                  const StsClient& sts);

// role_arn and web_identity_token_file of a profile. kNotFound without the
// latter; kMisconfigured without the former.
Result<Credentials> WebIdentityOfProfile(StsClient& sts,
                                         const SharedFiles& files,
                                         const std::string& profile,
                                         const Deadline& deadline);

class ProfileWebIdentitySource : public CredentialSource {
 public:
  ProfileWebIdentitySource(AwsDependencies dependencies,
                           std::shared_ptr<StsClient> sts, std::string profile)
      : dependencies_(dependencies),
        sts_(std::move(sts)),
        profile_(std::move(profile)) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies dependencies_;
  const std::shared_ptr<StsClient> sts_;
  const std::string profile_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_PROFILE_WEB_IDENTITY_H_
