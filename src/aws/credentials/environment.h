// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ENVIRONMENT_H_
#define OPENKEYRING_AWS_CREDENTIALS_ENVIRONMENT_H_

#include <string>

#include "aws/credentials.h"
#include "os/environment.h"

namespace openkeyring {

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (else
// AWS_SECURITY_TOKEN) and AWS_CREDENTIAL_EXPIRATION. kNotFound without the
// first two, kMisconfigured with one of them or with an expiration that is not
// a time.
class EnvironmentSource : public CredentialSource {
 public:
  explicit EnvironmentSource(const Environment& environment)
      : environment_(environment) {}
  std::string Name() const override { return "environment"; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  const Environment& environment_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ENVIRONMENT_H_
