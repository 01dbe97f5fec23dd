// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_PROFILE_H_
#define OPENKEYRING_AWS_CREDENTIALS_PROFILE_H_

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

// kMisconfigured, with what to use instead, for a profile that gets its
// credentials by IAM Identity Center (SSO) or `aws login`, which need a person
// and a browser; else kNotFound. Never Ok.
Status RefusalOfLogin(const SharedFiles& files, const std::string& profile);

// The keys of one of the two files.
class ProfileKeysSource : public CredentialSource {
 public:
  ProfileKeysSource(AwsDependencies world, std::string profile,
                    ProfileFile::Kind kind)
      : world_(world), profile_(std::move(profile)), kind_(kind) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies world_;
  const std::string profile_;
  const ProfileFile::Kind kind_;
};

// Stops the chain at a profile that needs a login.
class LoginSource : public CredentialSource {
 public:
  LoginSource(AwsDependencies world, std::string profile)
      : world_(world), profile_(std::move(profile)) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies world_;
  const std::string profile_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_PROFILE_H_
