// SPDX-License-Identifier: MIT
#include "aws/credentials/profile.h"

namespace openkeyring {

Result<Credentials> KeysInFile(const ProfileFile& file,
                               const std::string& profile) {
  const ProfileSection* section = file.FindProfile(profile);
  if (section == nullptr) {
    return Status(StatusCode::kNotFound, "no such profile in the file");
  }
  const std::string id = section->Value("aws_access_key_id");
  const bool has_key = !section->secret_access_key.empty();
  if (id.empty() && !has_key) {
    return Status(StatusCode::kNotFound, "the profile has no access key there");
  }
  if (id.empty() || !has_key) {
    return Status(
        StatusCode::kMisconfigured,
        "profile " + profile + " in " + file.path() + " has no " +
            (has_key ? "aws_access_key_id" : "aws_secret_access_key"));
  }
  return Credentials{id, section->secret_access_key.Clone(),
                     section->session_token.Clone(), std::nullopt};
}

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

std::string ProfileKeysSource::Name() const {
  return "profile " + profile_ +
         (kind_ == ProfileFile::Kind::kConfig
              ? " (keys in the config file)"
              : " (keys in the credentials file)");
}

Result<Credentials> ProfileKeysSource::Fetch(const Deadline&) {
  const Result<SharedFiles> files =
      ReadSharedFiles(world_.environment, world_.files);
  if (!files) return files.error();
  return KeysInFile(
      kind_ == ProfileFile::Kind::kConfig ? files->config : files->credentials,
      profile_);
}

std::string LoginSource::Name() const {
  return "profile " + profile_ + " (login)";
}

Result<Credentials> LoginSource::Fetch(const Deadline&) {
  const Result<SharedFiles> files =
      ReadSharedFiles(world_.environment, world_.files);
  if (!files) return files.error();
  return RefusalOfLogin(*files, profile_);
}

}  // namespace openkeyring
