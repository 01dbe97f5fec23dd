// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_keys.h"

namespace openkeyring {

Result<Credentials> KeysInFile(const ProfileFile& file,
                               const std::string& profile) {
  const ProfileSection* section = file.FindProfile(profile);
  if (section == nullptr) {
    return Status(StatusCode::kNotFound, file.unreadable().empty()
                                             ? "no such profile in the file"
                                             : file.unreadable());
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
  const Secret& token = section->session_token.empty() ? section->security_token
                                                       : section->session_token;
  return Credentials{id, section->secret_access_key.Clone(), token.Clone(),
                     std::nullopt};
}

std::string ProfileKeysSource::Name() const {
  return "profile " + profile_ +
         (kind_ == ProfileFile::Kind::kConfig
              ? " (keys in the config file)"
              : " (keys in the credentials file)");
}

Result<Credentials> ProfileKeysSource::Fetch(const Deadline&) {
  const Result<SharedFiles> files =
      ReadSharedFiles(dependencies_.environment, dependencies_.files);
  if (!files) return files.error();
  return KeysInFile(
      kind_ == ProfileFile::Kind::kConfig ? files->config : files->credentials,
      profile_);
}

}  // namespace openkeyring
