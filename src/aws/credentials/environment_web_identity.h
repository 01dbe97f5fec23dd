// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ENVIRONMENT_WEB_IDENTITY_H_
#define OPENKEYRING_AWS_CREDENTIALS_ENVIRONMENT_WEB_IDENTITY_H_

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/sts_client.h"

namespace openkeyring {

// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME: how EKS
// gives a pod its role (IRSA). kNotFound without the first; kMisconfigured
// without the second.
class EnvironmentWebIdentitySource : public CredentialSource {
 public:
  EnvironmentWebIdentitySource(AwsDependencies dependencies,
                               std::shared_ptr<StsClient> sts)
      : dependencies_(dependencies), sts_(std::move(sts)) {}
  std::string Name() const override { return "web identity"; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies dependencies_;
  const std::shared_ptr<StsClient> sts_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ENVIRONMENT_WEB_IDENTITY_H_
