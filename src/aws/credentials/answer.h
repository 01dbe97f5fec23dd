// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ANSWER_H_
#define OPENKEYRING_AWS_CREDENTIALS_ANSWER_H_

#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/result.h"
#include "base/secret.h"

namespace openkeyring {

// What a credential process, the container agent or the instance metadata
// service answers. Members that the answer lacks are empty.
struct CredentialAnswer {
  Credentials credentials;
  std::string code;     // "Success" from instance metadata.
  std::string message;  // Why there are none; printable, at most 300 bytes.
  int version = 0;      // 1 from a credential process.
};

// Reads {"AccessKeyId", "SecretAccessKey", `token_member`, "Expiration", "Code"
// or "code", "Message" or "message", "Version"}. The secrets go straight into
// Secrets; `body` loses them. kCorrupt when it is not a JSON object or a member
// is not what it must be.
Result<CredentialAnswer> ReadCredentialAnswer(Secret& body,
                                              std::string_view token_member);

// Temporary credentials, which those of an instance and of a container always
// are, have a session token.
enum class SessionToken { kOptional, kRequired };

// The credentials of an answer that must have them: kCorrupt when the id, the
// secret key or a required token is missing, with the answer's own explanation
// if it has one.
Result<Credentials> CompleteCredentials(CredentialAnswer answer,
                                        SessionToken token);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ANSWER_H_
