// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ASSUMED_ROLE_H_
#define OPENKEYRING_AWS_CREDENTIALS_ASSUMED_ROLE_H_

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "aws/credentials/order.h"
#include "aws/sts_client.h"

namespace openkeyring {

// One role on top of the first of other sources that is configured. Never
// kNotFound: a role that was asked for must not be left out.
class AssumedRoleSource : public CredentialSource {
 public:
  // Without a session name the client's is used.
  AssumedRoleSource(CredentialSources below, std::shared_ptr<StsClient> sts,
                    RoleRequest role);
  std::string Name() const override { return "role " + role_.role_arn; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  const CredentialSources below_;
  const std::shared_ptr<StsClient> sts_;
  RoleRequest role_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ASSUMED_ROLE_H_
