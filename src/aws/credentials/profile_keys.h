// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_PROFILE_KEYS_H_
#define OPENKEYRING_AWS_CREDENTIALS_PROFILE_KEYS_H_

#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/profile_file.h"
#include "aws/shared_files.h"

namespace openkeyring {

// The static keys that one file has for a profile: kNotFound when it has none,
// kMisconfigured, naming file and profile, when it has only some.
Result<Credentials> KeysInFile(const ProfileFile& file,
                               const std::string& profile);

// The keys of one of the two files.
class ProfileKeysSource : public CredentialSource {
 public:
  ProfileKeysSource(AwsDependencies dependencies, std::string profile,
                    ProfileFile::Kind kind)
      : dependencies_(dependencies),
        profile_(std::move(profile)),
        kind_(kind) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies dependencies_;
  const std::string profile_;
  const ProfileFile::Kind kind_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_PROFILE_KEYS_H_
