// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_CONTAINER_H_
#define OPENKEYRING_AWS_CREDENTIALS_CONTAINER_H_

#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"

namespace openkeyring {

// The role of an ECS task or of an EKS pod (pod identity):
// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (on http://169.254.170.2) or
// AWS_CONTAINER_CREDENTIALS_FULL_URI: any https host; http only to loopback,
// 169.254.170.2, 169.254.170.23 and fd00:ec2::23. The authorization header is
// the content of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, read again each time,
// or AWS_CONTAINER_AUTHORIZATION_TOKEN; a CR or LF in it is refused.
//
// Up to 3 attempts of 2 s, 1 s apart, never through a proxy. kNotFound when
// neither URI is set, kMisconfigured for a URI or token as above, kDenied when
// the agent refuses.
class ContainerSource : public CredentialSource {
 public:
  explicit ContainerSource(AwsDependencies dependencies)
      : dependencies_(dependencies) {}
  std::string Name() const override { return "container"; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  Result<std::string> FindUrl() const;
  Result<Secret> FindToken() const;
  Result<Credentials> AskOnce(const std::string& url, const Deadline& deadline);

  AwsDependencies dependencies_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_CONTAINER_H_
