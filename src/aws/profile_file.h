// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_PROFILE_FILE_H_
#define OPENKEYRING_AWS_PROFILE_FILE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "os/environment.h"
#include "os/file_system.h"

namespace openkeyring {

// What one section says. Keys are lower case. Only keys that this program knows
// are kept, so that no secret under another name leaves the file's Secret.
struct ProfileSection {
  std::map<std::string, std::string> values;
  // Indented values: nested["kms"]["endpoint_url"].
  std::map<std::string, std::map<std::string, std::string>> nested;
  Secret secret_access_key;
  Secret session_token;
  Secret security_token;  // The old name of session_token.

  // "" when absent, which AWS tools do not tell from an empty value.
  std::string Value(const std::string& key) const;
};

// One of the two shared files of AWS tools, by the rules of the AWS SDKs'
// reference guide ("Shared config and credentials files"):
//
//   file      config: [default], [profile NAME], [services NAME]; others are
//             skipped ([sso-session NAME] among them). [profile default] beats
//             [default]. credentials: [NAME]. A section that appears twice is
//             one; of a key that appears twice the last counts.
//   property  KEY = VALUE or KEY: VALUE, KEY in any case, both trimmed. VALUE
//             ends at whitespace plus "#" or ";".
//   nested    Lines indented deeper than a property without a value belong to
//             it and are properties themselves. Those deeper than a property
//             with a value continue the value, a line end and the whole line.
//   comment   A line that starts with "#" or ";".
//
// LF or CRLF, with or without a byte order mark. Threads: const use is safe.
class ProfileFile {
 public:
  enum class Kind { kConfig, kCredentials };

  // An empty file: what a missing one counts as.
  ProfileFile() = default;
  // An empty file, too: one that may not be read, and why.
  static ProfileFile Unreadable(std::string why);
  // kMisconfigured, with `path` and the number of the line (never its text, it
  // may be secret), for lines that are none of the above.
  static Result<ProfileFile> Parse(const Secret& text, Kind kind,
                                   std::string path);

  // Null when there is no such section.
  const ProfileSection* FindProfile(const std::string& name) const;
  const ProfileSection* FindServices(const std::string& name) const;
  const std::string& path() const { return path_; }
  // "" unless the file may not be read.
  const std::string& unreadable() const { return unreadable_; }

 private:
  std::string path_;
  std::string unreadable_;
  std::map<std::string, ProfileSection> profiles_;
  std::map<std::string, ProfileSection> services_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_PROFILE_FILE_H_
