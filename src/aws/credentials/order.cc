// SPDX-License-Identifier: MIT
#include "aws/credentials/order.h"

#include "aws/values.h"

namespace openkeyring {
namespace {

Result<Credentials> FetchChecked(CredentialSource& source,
                                 const Deadline& deadline) {
  Result<Credentials> credentials = source.Fetch(deadline);
  if (!credentials) return credentials;
  Status status = CheckCredentials(*credentials);
  if (!status.ok()) return status;
  return credentials;
}

}  // namespace

Result<FoundCredentials> AskInOrder(const CredentialSources& sources,
                                    const Deadline& deadline) {
  std::string said;
  for (const auto& source : sources) {
    Result<Credentials> credentials = FetchChecked(*source, deadline);
    const std::string name = source->Name();
    if (credentials) return FoundCredentials{std::move(*credentials), name};
    const Status& error = credentials.error();
    if (error.code() != StatusCode::kNotFound) {
      std::string text =
          "no AWS credentials from " + name + ": " + error.message();
      if (!said.empty()) text += " (asked before it: " + said + ")";
      return Status(error.code(), text);
    }
    if (!said.empty()) said += "; ";
    said += name + ": " + error.message();
  }
  return Status(StatusCode::kMisconfigured,
                "no AWS credentials are configured (" + said + ")");
}

}  // namespace openkeyring
