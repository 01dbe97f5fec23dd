// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_PROFILE_LOGIN_H_
#define OPENKEYRING_AWS_CREDENTIALS_PROFILE_LOGIN_H_

#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/shared_files.h"

namespace openkeyring {

// kMisconfigured, with what to use instead, for a profile that gets its
// credentials by IAM Identity Center (SSO) or `aws login`, which need a person
// and a browser; else kNotFound. Never Ok.
Status RefusalOfLogin(const SharedFiles& files, const std::string& profile);

// Stops the chain at a profile that needs a login.
class ProfileLoginSource : public CredentialSource {
 public:
  ProfileLoginSource(AwsDependencies dependencies, std::string profile)
      : dependencies_(dependencies), profile_(std::move(profile)) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies dependencies_;
  const std::string profile_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_PROFILE_LOGIN_H_
