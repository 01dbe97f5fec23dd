// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_EXPLICIT_H_
#define OPENKEYRING_AWS_CREDENTIALS_EXPLICIT_H_

#include <string>

#include "aws/credentials.h"
#include "aws/settings.h"

namespace openkeyring {

// The keys of the product's own options. kNotFound when there are none,
// kMisconfigured when only one of id and secret (or a lone session token) is.
class ExplicitSource : public CredentialSource {
 public:
  explicit ExplicitSource(const AwsOptions& options);
  std::string Name() const override { return "options"; }
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  const Credentials keys_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_EXPLICIT_H_
