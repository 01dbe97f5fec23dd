// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_IMDS_H_
#define OPENKEYRING_AWS_CREDENTIALS_IMDS_H_

#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/imds_client.h"

namespace openkeyring {

// The role of the EC2 instance. kNotFound when instance metadata is switched
// off or the instance has no role; other errors as ImdsClient says.
//
// During an outage the service may keep handing out credentials that are at
// or past their end; AWS accepts them for longer then. So as the SDKs do, such
// credentials are given 12 to 20 more minutes (with a warning), after half of
// which they are asked for again.
class ImdsSource : public CredentialSource {
 public:
  ImdsSource(AwsDependencies dependencies, std::string profile)
      : dependencies_(dependencies),
        client_(dependencies, std::move(profile)) {}
  std::string Name() const override { return "imds"; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  Result<std::string> FindRole(const Deadline& deadline);
  void ExtendLife(Credentials& credentials);

  AwsDependencies dependencies_;
  ImdsClient client_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_IMDS_H_
