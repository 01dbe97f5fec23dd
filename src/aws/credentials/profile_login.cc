// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_login.h"

namespace openkeyring {

Status RefusalOfLogin(const SharedFiles& files, const std::string& profile) {
  for (const char* key :
       {"sso_session", "sso_start_url", "sso_account_id", "login_session"}) {
    if (files.Value(profile, key).empty()) continue;
    return {StatusCode::kMisconfigured,
            std::string(key) + " of " + files.Origin(profile, key) +
                ": a server cannot log in to AWS by a browser. Use a role, or "
                "a profile with credential_process = aws configure "
                "export-credentials --profile " +
                profile + " --format process"};
  }
  return {StatusCode::kNotFound, "the profile needs no login"};
}

std::string ProfileLoginSource::Name() const {
  return "profile " + profile_ + " (login)";
}

Result<Credentials> ProfileLoginSource::Fetch(const Deadline&) {
  const Result<SharedFiles> files =
      ReadSharedFiles(dependencies_.environment, dependencies_.files);
  if (!files) return files.error();
  return RefusalOfLogin(*files, profile_);
}

}  // namespace openkeyring
