// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_SHARED_FILES_H_
#define OPENKEYRING_AWS_SHARED_FILES_H_

#include <optional>
#include <string>

#include "aws/profile_file.h"
#include "base/result.h"
#include "os/environment.h"
#include "os/file_system.h"

namespace openkeyring {

// Both files. Where both have a profile's key, the credentials file counts.
struct SharedFiles {
  ProfileFile config;
  ProfileFile credentials;

  bool HasProfile(const std::string& profile) const;
  // Which of the files may not be read, and why; "" when both may.
  std::string Unreadable() const;
  // "" when neither file says it.
  std::string Value(const std::string& profile, const std::string& key) const;
  // "profile NAME in PATH", PATH being the file whose word counts for the key.
  std::string Origin(const std::string& profile, const std::string& key) const;
};

// Reads AWS_CONFIG_FILE (else ~/.aws/config) and AWS_SHARED_CREDENTIALS_FILE
// (else ~/.aws/credentials); a leading "~/" is the home directory. A missing
// file, no home directory and /dev/null count as empty, and so does a file in
// the home directory that may not be read: nobody asked for it. Errors name the
// file: kMisconfigured when it cannot be parsed, or was named and may not be
// read; kUnavailable when reading failed otherwise.
Result<SharedFiles> ReadSharedFiles(const Environment& environment,
                                    FileSystem& files);

// The profile's name: `option`, else AWS_PROFILE, else AWS_DEFAULT_PROFILE,
// else nothing, which means "default".
std::optional<std::string> NamedProfile(const std::string& option,
                                        const Environment& environment);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_SHARED_FILES_H_
