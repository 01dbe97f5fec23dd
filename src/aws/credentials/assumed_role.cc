// SPDX-License-Identifier: MIT
#include "aws/credentials/assumed_role.h"

#include <utility>

namespace openkeyring {

AssumedRoleSource::AssumedRoleSource(CredentialSources below,
                                     std::shared_ptr<StsClient> sts,
                                     RoleRequest role)
    : below_(std::move(below)), sts_(std::move(sts)), role_(std::move(role)) {
  if (role_.session_name.empty()) {
    role_.session_name = sts_->DefaultSessionName();
  }
}

Result<Credentials> AssumedRoleSource::Fetch(const Deadline& deadline) {
  const Result<FoundCredentials> caller = AskInOrder(below_, deadline);
  if (!caller) return caller.error();
  Result<Credentials> credentials =
      sts_->AssumeRole(caller->credentials, role_, deadline);
  if (credentials) return credentials;
  return credentials.error().WithContext("as " + caller->source);
}

}  // namespace openkeyring
