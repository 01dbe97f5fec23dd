// SPDX-License-Identifier: MIT
#include "aws/credentials/explicit.h"

namespace openkeyring {

ExplicitSource::ExplicitSource(const AwsOptions& options)
    : keys_{options.access_key_id, options.secret_access_key.Clone(),
            options.session_token.Clone(), std::nullopt} {}

Result<Credentials> ExplicitSource::Fetch(const Deadline&) {
  const bool has_id = !keys_.access_key_id.empty();
  const bool has_secret = !keys_.secret_access_key.empty();
  if (has_id && has_secret) return keys_.Clone();
  if (!has_id && !has_secret && keys_.session_token.empty()) {
    return Status(StatusCode::kNotFound, "no access key is set");
  }
  return Status(
      StatusCode::kMisconfigured,
      std::string(has_id ? "the secret access key" : "the access key id") +
          " is missing; set both or neither");
}

}  // namespace openkeyring
