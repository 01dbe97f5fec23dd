// SPDX-License-Identifier: MIT
#include "aws/sts_client.h"

#include <utility>

#include "aws/values.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr Millis kAttemptTimeout{5000};
constexpr size_t kMaxToken = 65536;

// The caller's credentials, as they are.
class FixedCredentials : public CredentialProvider {
 public:
  explicit FixedCredentials(const Credentials& credentials)
      : credentials_(std::make_shared<const Credentials>(credentials.Clone())) {
  }
  Result<std::shared_ptr<const Credentials>> Get(const Deadline&) override {
    return credentials_;
  }
  bool Replace(const Credentials&) override { return false; }

 private:
  const std::shared_ptr<const Credentials> credentials_;
};

}  // namespace

StsClient::StsClient(AwsDependencies dependencies, const AwsSettings& settings,
                     RegionResolver& region)
    : dependencies_(dependencies),
      client_(dependencies,
              {"sts", "AWS STS", settings.sts_endpoint_url, kAttemptTimeout},
              settings, region),
      session_name_("openkeyring-" + RandomHex(dependencies.random, 8)) {}

Result<Secret> StsClient::ReadToken(const std::string& path) const {
  Result<Secret> text = dependencies_.files.ReadSecret(path, kMaxToken);
  if (!text && text.error().IsTransient()) return text;
  if (!text) {
    return Status(StatusCode::kMisconfigured,
                  "web identity token: " + text.error().message());
  }
  const std::string_view token = Trim(text->RevealText());
  if (token.empty()) {
    return Status(StatusCode::kMisconfigured,
                  "the web identity token file " + path + " is empty");
  }
  return Secret::CopyOf(token);
}

Result<Credentials> StsClient::AssumeRole(const Credentials& caller,
                                          const RoleRequest& role,
                                          const Deadline& deadline) {
  Status status = CheckCredentials(caller);
  if (!status.ok()) return status;
  FixedCredentials credentials(caller);
  return Call(
      "AssumeRole", role,
      [&]() -> Result<Secret> { return WriteAssumeRole(role); }, &credentials,
      deadline);
}

Result<Credentials> StsClient::AssumeRoleWithWebIdentity(
    const std::string& token_file, const RoleRequest& role,
    const Deadline& deadline) {
  return Call(
      "AssumeRoleWithWebIdentity", role,
      [&]() -> Result<Secret> {
        const Result<Secret> token = ReadToken(token_file);
        if (!token) return token.error();
        return WriteAssumeRoleWithWebIdentity(role, *token);
      },
      nullptr, deadline);
}

Result<Credentials> StsClient::Call(const char* operation,
                                    const RoleRequest& role,
                                    const WriteBody& write_body,
                                    CredentialProvider* caller,
                                    const Deadline& deadline) {
  Status status = CheckRoleRequest(role);
  if (!status.ok()) return status;
  Result<Credentials> credentials = Status(StatusCode::kInternal, "not called");
  AwsCall call;
  call.operation = std::string(operation) + " of " + role.role_arn;
  call.credentials = caller;
  call.write = [&](HttpRequest& request) {
    Result<Secret> body = write_body();
    if (!body) return body.error();
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = std::move(*body);
    return Status::Ok();
  };
  call.read = [&](Secret& body) {
    credentials = ReadAssumedRole(body);
    return credentials.status();
  };
  status = client_.Call(call, deadline);
  if (!status.ok()) return status;
  return credentials;
}

}  // namespace openkeyring
