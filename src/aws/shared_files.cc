// SPDX-License-Identifier: MIT
#include "aws/shared_files.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFileSize = 1 << 20;

// "~/x" with the home directory put in.
std::optional<std::string> ExpandHome(const std::string& path,
                                      const Environment& environment) {
  if (!path.starts_with("~/")) return path;
  const std::optional<std::string> home = environment.HomeDirectory();
  if (!home) return std::nullopt;
  return JoinPath(*home, path.substr(2));
}

Result<ProfileFile> ReadFile(const std::string& path, bool was_named,
                             ProfileFile::Kind kind, FileSystem& files) {
  if (path == "/dev/null") return ProfileFile();
  const Result<Secret> text = files.ReadSecret(path, kMaxFileSize);
  if (text) return ProfileFile::Parse(*text, kind, path);
  const Status& error = text.error();
  if (error.code() == StatusCode::kNotFound) return ProfileFile();
  if (error.IsTransient()) return error;
  if (error.code() == StatusCode::kDenied && !was_named) {
    return ProfileFile::Unreadable(error.message());
  }
  return Status(StatusCode::kMisconfigured, error.message());
}

Result<ProfileFile> ReadFileOf(const char* variable, const char* usual_path,
                               ProfileFile::Kind kind,
                               const Environment& environment,
                               FileSystem& files) {
  const std::optional<std::string> named = environment.Get(variable);
  const std::optional<std::string> path =
      ExpandHome(named.value_or(usual_path), environment);
  return path ? ReadFile(*path, named.has_value(), kind, files) : ProfileFile();
}

}  // namespace

bool SharedFiles::HasProfile(const std::string& profile) const {
  return config.FindProfile(profile) != nullptr ||
         credentials.FindProfile(profile) != nullptr;
}

std::string SharedFiles::Unreadable() const {
  std::string text = config.unreadable();
  if (!text.empty() && !credentials.unreadable().empty()) text += "; ";
  return text + credentials.unreadable();
}

std::string SharedFiles::Value(const std::string& profile,
                               const std::string& key) const {
  for (const ProfileFile* file : {&credentials, &config}) {
    const ProfileSection* section = file->FindProfile(profile);
    if (section == nullptr) continue;
    std::string value = section->Value(key);
    if (!value.empty()) return value;
  }
  return "";
}

std::string SharedFiles::Origin(const std::string& profile,
                                const std::string& key) const {
  const ProfileSection* section = credentials.FindProfile(profile);
  const bool in_credentials =
      section != nullptr && !section->Value(key).empty();
  return "profile " + profile + " in " +
         (in_credentials ? credentials : config).path();
}

Result<SharedFiles> ReadSharedFiles(const Environment& environment,
                                    FileSystem& files) {
  Result<ProfileFile> config =
      ReadFileOf("AWS_CONFIG_FILE", "~/.aws/config", ProfileFile::Kind::kConfig,
                 environment, files);
  if (!config) return config.error();
  Result<ProfileFile> credentials =
      ReadFileOf("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials",
                 ProfileFile::Kind::kCredentials, environment, files);
  if (!credentials) return credentials.error();
  return SharedFiles{std::move(*config), std::move(*credentials)};
}

std::optional<std::string> NamedProfile(const std::string& option,
                                        const Environment& environment) {
  if (!option.empty()) return option;
  const std::optional<std::string> name = environment.Get("AWS_PROFILE");
  return name ? name : environment.Get("AWS_DEFAULT_PROFILE");
}

}  // namespace openkeyring
