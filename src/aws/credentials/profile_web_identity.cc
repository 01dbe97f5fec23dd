// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_web_identity.h"

#include "aws/values.h"

namespace openkeyring {

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
      ReadSharedFiles(dependencies_.environment, dependencies_.files);
  if (!files) return files.error();
  return WebIdentityOfProfile(*sts_, *files, profile_, deadline);
}

}  // namespace openkeyring
