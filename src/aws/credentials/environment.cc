// SPDX-License-Identifier: MIT
#include "aws/credentials/environment.h"

#include "aws/values.h"

namespace openkeyring {
namespace {

constexpr const char* kId = "AWS_ACCESS_KEY_ID";
constexpr const char* kKey = "AWS_SECRET_ACCESS_KEY";
constexpr const char* kToken = "AWS_SESSION_TOKEN";
constexpr const char* kOldToken = "AWS_SECURITY_TOKEN";  // Of older tools.
constexpr const char* kExpiration = "AWS_CREDENTIAL_EXPIRATION";

}  // namespace

Result<Credentials> EnvironmentSource::Fetch(const Deadline&) {
  auto token = environment_.Get(kToken);
  if (!token) token = environment_.Get(kOldToken);
  Credentials keys{environment_.Get(kId).value_or(""),
                   TakeSecret(environment_.Get(kKey).value_or("")),
                   TakeSecret(token.value_or("")), std::nullopt};
  const bool has_id = !keys.access_key_id.empty();
  const bool has_key = !keys.secret_access_key.empty();
  if (!has_id && !has_key) {
    return Status(StatusCode::kNotFound, std::string(kId) + " is not set");
  }
  if (!has_id || !has_key) {
    return Status(StatusCode::kMisconfigured,
                  std::string(has_id ? kId : kKey) + " is set and " +
                      (has_id ? kKey : kId) + " is not");
  }
  if (const auto expiration = environment_.Get(kExpiration)) {
    keys.expiration = ParseIsoTime(*expiration);
    if (!keys.expiration) {
      return Status(StatusCode::kMisconfigured,
                    std::string(kExpiration) + " is not an ISO 8601 time");
    }
  }
  return keys;
}

}  // namespace openkeyring
