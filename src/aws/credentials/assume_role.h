// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ASSUME_ROLE_H_
#define OPENKEYRING_AWS_CREDENTIALS_ASSUME_ROLE_H_

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/credentials/order.h"
#include "aws/dependencies.h"
#include "aws/sts_client.h"

namespace openkeyring {

// A profile's role_arn, assumed with the credentials of its source_profile or
// its credential_source (Environment, Ec2InstanceMetadata, EcsContainer).
//
// A source profile gives its static keys if it has some; else its own role
// (and so on; a circle is kMisconfigured), its web identity or its
// credential_process. kNotFound when the profile has no role_arn or gets it by
// a web identity; a source that is named and has nothing is kMisconfigured, and
// so is a profile, other than "default", that is in neither file.
class ProfileRoleSource : public CredentialSource {
 public:
  ProfileRoleSource(AwsDependencies world, std::shared_ptr<StsClient> sts,
                    std::string profile)
      : world_(world), sts_(std::move(sts)), profile_(std::move(profile)) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies world_;
  const std::shared_ptr<StsClient> sts_;
  const std::string profile_;
};

// One role on top of the first of other sources that is configured. Never
// kNotFound: a role that was asked for must not be left out.
class RoleOnTopSource : public CredentialSource {
 public:
  // Without a session name the client's is used.
  RoleOnTopSource(CredentialSources below, std::shared_ptr<StsClient> sts,
                  RoleRequest role);
  std::string Name() const override { return "role " + role_.role_arn; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  const CredentialSources below_;
  const std::shared_ptr<StsClient> sts_;
  RoleRequest role_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ASSUME_ROLE_H_
