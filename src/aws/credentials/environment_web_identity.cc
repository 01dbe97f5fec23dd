// SPDX-License-Identifier: MIT
#include "aws/credentials/environment_web_identity.h"

namespace openkeyring {
namespace {

constexpr const char* kTokenFile = "AWS_WEB_IDENTITY_TOKEN_FILE";
constexpr const char* kRoleArn = "AWS_ROLE_ARN";
constexpr const char* kSessionName = "AWS_ROLE_SESSION_NAME";

}  // namespace

Result<Credentials> EnvironmentWebIdentitySource::Fetch(
    const Deadline& deadline) {
  const auto path = dependencies_.environment.Get(kTokenFile);
  if (!path) {
    return Status(StatusCode::kNotFound,
                  std::string(kTokenFile) + " is not set");
  }
  const auto role_arn = dependencies_.environment.Get(kRoleArn);
  if (!role_arn) {
    return Status(
        StatusCode::kMisconfigured,
        std::string(kTokenFile) + " is set and " + kRoleArn + " is not");
  }
  RoleRequest role;
  role.role_arn = *role_arn;
  role.session_name = dependencies_.environment.Get(kSessionName)
                          .value_or(sts_->DefaultSessionName());
  return sts_->AssumeRoleWithWebIdentity(*path, role, deadline);
}

}  // namespace openkeyring
