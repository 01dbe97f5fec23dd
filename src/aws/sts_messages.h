// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_STS_MESSAGES_H_
#define OPENKEYRING_AWS_STS_MESSAGES_H_

#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/result.h"
#include "base/secret.h"

// The bytes that say things to AWS STS (API version 2011-06-15, query protocol:
// form body, XML answer). No I/O.
namespace openkeyring {

// Which role to take, and how.
struct RoleRequest {
  std::string role_arn;
  std::string
      session_name;  // 2-64 of A-Z a-z 0-9 _+=,.@- ; shows in CloudTrail.
  std::string external_id;              // Empty: none.
  std::optional<int> duration_seconds;  // 900-43200; none: the role's own.
};

// kMisconfigured when the ARN is not that of a role (or assumed role) or the
// session name is not one.
Status CheckRoleRequest(const RoleRequest& role);

// The body of AssumeRole.
Secret WriteAssumeRole(const RoleRequest& role);
// The body of AssumeRoleWithWebIdentity. The external id does not apply.
Secret WriteAssumeRoleWithWebIdentity(const RoleRequest& role,
                                      const Secret& token);

// The credentials in an answer to either. The secrets go straight from the XML
// into Secrets. kCorrupt when one of the four members is missing or bad.
Result<Credentials> ReadAssumedRole(const Secret& body);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_STS_MESSAGES_H_
