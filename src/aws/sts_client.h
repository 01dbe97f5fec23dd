// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_STS_CLIENT_H_
#define OPENKEYRING_AWS_STS_CLIENT_H_

#include <functional>
#include <string>

#include "aws/aws_client.h"
#include "aws/credentials.h"
#include "aws/sts_messages.h"

namespace openkeyring {

// AWS STS at its regional endpoint, or where the settings say.
//
// Both operations may safely be sent twice. Retries and errors: see AwsClient;
// the role is named in the text of an error.
//
// Threads: all methods may be called concurrently.
class StsClient {
 public:
  // `dependencies` and `region` are borrowed.
  StsClient(AwsDependencies dependencies, const AwsSettings& settings,
            RegionResolver& region);

  // Signed by `caller`.
  Result<Credentials> AssumeRole(const Credentials& caller,
                                 const RoleRequest& role,
                                 const Deadline& deadline);
  // Not signed. The file is read again for every attempt: its owner replaces it
  // before the token in it expires. kMisconfigured when it cannot be read.
  Result<Credentials> AssumeRoleWithWebIdentity(const std::string& token_file,
                                                const RoleRequest& role,
                                                const Deadline& deadline);

  // "openkeyring-<hex>": one name for all sessions of this object.
  const std::string& DefaultSessionName() const { return session_name_; }

 private:
  using WriteBody = std::function<Result<Secret>()>;

  Result<Credentials> Call(const char* operation, const RoleRequest& role,
                           const WriteBody& write_body,
                           CredentialProvider* caller,
                           const Deadline& deadline);
  Result<Secret> ReadToken(const std::string& path) const;

  AwsDependencies dependencies_;
  AwsClient client_;
  const std::string session_name_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_STS_CLIENT_H_
