// SPDX-License-Identifier: MIT
#include "aws/credentials/web_identity.h"

#include "aws/credentials/values.h"

namespace openkeyring {
namespace {

constexpr const char* kTokenFile = "AWS_WEB_IDENTITY_TOKEN_FILE";
constexpr const char* kRoleArn = "AWS_ROLE_ARN";
constexpr const char* kSessionName = "AWS_ROLE_SESSION_NAME";

}  // namespace

Result<RoleRequest> RoleOfProfile(const SharedFiles& files,
                                  const std::string& profile,
                                  const StsClient& sts) {
  RoleRequest role;
  role.role_arn = files.Value(profile, "role_arn");
  role.external_id = files.Value(profile, "external_id");
  role.session_name = files.Value(profile, "role_session_name");
  if (role.session_name.empty()) role.session_name = sts.DefaultSessionName();
  if (!files.Value(profile, "mfa_serial").empty()) {
    return Status(StatusCode::kMisconfigured,
                  "mfa_serial of " + files.Origin(profile, "mfa_serial") +
                      ": a server has nobody to ask for a code");
  }
  const std::string seconds = files.Value(profile, "duration_seconds");
  if (seconds.empty()) return role;
  const Result<int> number = ParseNumber(
      seconds, 900, 43200,
      "duration_seconds of " + files.Origin(profile, "duration_seconds"));
  if (!number) return number.error();
  role.duration_seconds = *number;
  return role;
}

Result<Credentials> WebIdentityOfProfile(StsClient& sts,
                                         const SharedFiles& files,
                                         const std::string& profile,
                                         const Deadline& deadline) {
  constexpr const char* kKey = "web_identity_token_file";
  const std::string path = files.Value(profile, kKey);
  if (path.empty()) {
    return Status(StatusCode::kNotFound, std::string("no ") + kKey);
  }
  const Result<RoleRequest> role = RoleOfProfile(files, profile, sts);
  if (!role) return role.error();
  if (role->role_arn.empty()) {
    return Status(
        StatusCode::kMisconfigured,
        files.Origin(profile, kKey) + " has " + kKey + " and no role_arn");
  }
  return sts.AssumeRoleWithWebIdentity(path, *role, deadline);
}

std::string ProfileWebIdentitySource::Name() const {
  return "profile " + profile_ + " (web identity)";
}

Result<Credentials> ProfileWebIdentitySource::Fetch(const Deadline& deadline) {
  const Result<SharedFiles> files =
      ReadSharedFiles(world_.environment, world_.files);
  if (!files) return files.error();
  return WebIdentityOfProfile(*sts_, *files, profile_, deadline);
}

Result<Credentials> EnvironmentWebIdentitySource::Fetch(
    const Deadline& deadline) {
  const auto path = world_.environment.Get(kTokenFile);
  if (!path) {
    return Status(StatusCode::kNotFound,
                  std::string(kTokenFile) + " is not set");
  }
  const auto role_arn = world_.environment.Get(kRoleArn);
  if (!role_arn) {
    return Status(
        StatusCode::kMisconfigured,
        std::string(kTokenFile) + " is set and " + kRoleArn + " is not");
  }
  RoleRequest role;
  role.role_arn = *role_arn;
  role.session_name =
      world_.environment.Get(kSessionName).value_or(sts_->DefaultSessionName());
  return sts_->AssumeRoleWithWebIdentity(*path, role, deadline);
}

}  // namespace openkeyring
