// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_AWS_CREDENTIALS_PROCESS_H_
#define OPENKEYRING_AWS_CREDENTIALS_PROCESS_H_

#include <string>

#include "aws/credentials.h"
#include "aws/dependencies.h"
#include "aws/shared_files.h"

namespace openkeyring {

// Runs the profile's credential_process, for as long as the deadline allows,
// and reads the JSON that it writes ("Sourcing credentials with an external
// process" in the SDKs' reference guide). kNotFound when the profile names no
// process, kUnavailable when it fails, kTimeout, kCorrupt when it wrote
// something else, kMisconfigured for another version than 1. The command and
// what it wrote are in no error text: both may be secret.
Result<Credentials> CredentialsOfProcess(AwsDependencies dependencies,
                                         const SharedFiles& files,
                                         const std::string& profile,
                                         const Deadline& deadline);

class ProcessSource : public CredentialSource {
 public:
  ProcessSource(AwsDependencies dependencies, std::string profile)
      : dependencies_(dependencies), profile_(std::move(profile)) {}
  std::string Name() const override;
  Result<Credentials> Fetch(const Deadline& deadline) override;

 private:
  AwsDependencies dependencies_;
  const std::string profile_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_AWS_CREDENTIALS_PROCESS_H_
