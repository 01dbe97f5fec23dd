// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_PROFILE_ROLE_H_
#define OPENKEYRING_AWS_CREDENTIALS_PROFILE_ROLE_H_

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/sts_client.h"

namespace openkeyring {

// A profile's role_arn, assumed with the credentials of its source_profile or
// its credential_source (Environment, Ec2InstanceMetadata, EcsContainer).
//
// A source profile is read in the order of the chain: its web identity or its
// own role (and so on; a circle is kMisconfigured), its keys in the credentials
// file, its credential_process, its keys in the config file. One that has keys
// or is its own source is read without its role, as the AWS CLI and the SDKs
// for C++, Go and Rust do. kNotFound when the profile has no role_arn or gets
// it by a web identity; a source that is named and has nothing is
// kMisconfigured, and so is a profile, other than "default", that is in neither
// file.
class ProfileRoleSource : public CredentialSource {
 public:
  ProfileRoleSource(AwsDependencies dependencies,
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

#endif  // OPENKEYRING_AWS_CREDENTIALS_PROFILE_ROLE_H_
