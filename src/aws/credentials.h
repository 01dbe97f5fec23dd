// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_H_
#define OPENKEYRING_AWS_CREDENTIALS_H_

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "os/clock.h"

namespace openkeyring {

// What signs a request. Move-only, since two members are secret.
struct Credentials {
  std::string access_key_id;  // Not secret; may be logged.
  Secret secret_access_key;
  Secret session_token;                // Empty for long-lived keys.
  std::optional<WallTime> expiration;  // None for keys that do not expire.

  Credentials Clone() const {
    return {access_key_id, secret_access_key.Clone(), session_token.Clone(),
            expiration};
  }
};

// Gives the credentials that calls are signed with.
//
// Threads: all methods may be called concurrently.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Valid credentials, by the deadline.
  virtual Result<std::shared_ptr<const Credentials>> Get(
      const Deadline& deadline) = 0;
  // AWS refused these credentials; `refused` is the very object that Get gave.
  // Whether the next Get may give others.
  virtual bool Replace(const Credentials& refused) = 0;
};

// One place that credentials may come from.
//
// Threads: Fetch is called by one thread at a time (the chain sees to that).
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // For logs and the status variable, e.g. "environment", "profile prod
  // (assume role ...)", "imds".
  virtual std::string Name() const = 0;
  // kNotFound when this source is not configured here, so that the next one is
  // asked. Any other error means that it is configured and does not work; the
  // chain then stops, because falling through to another identity would be a
  // silent surprise. Reads files and variables again on every call.
  virtual Result<Credentials> Fetch(const Deadline& deadline) = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_H_
