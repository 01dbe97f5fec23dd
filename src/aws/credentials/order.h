// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_ORDER_H_
#define OPENKEYRING_AWS_CREDENTIALS_ORDER_H_

#include <memory>
#include <string>
#include <vector>

#include "aws/credentials.h"

namespace openkeyring {

using CredentialSources = std::vector<std::unique_ptr<CredentialSource>>;

struct FoundCredentials {
  Credentials credentials;
  std::string source;  // Name() of the source that gave them.
};

// Asks one source after the other until one says something else than
// kNotFound. What it gives has been checked (see CheckCredentials). The error
// says what every source asked said; its code is that of the last one, or
// kMisconfigured when all said kNotFound.
Result<FoundCredentials> AskInOrder(const CredentialSources& sources,
                                    const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_ORDER_H_
