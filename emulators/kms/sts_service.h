// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_STS_SERVICE_H_
#define OPENKEYRING_EMULATORS_KMS_STS_SERVICE_H_

#include <string>

#include "emulators/kms/caller.h"
#include "emulators/kms/credential_issuer.h"

namespace kms_emulator {

// AWS STS (2011-06-15) as far as credential chains need it. Works on form
// bodies and makes XML; signatures are the caller's matter.
//
// Threads: Call may be called concurrently.
class StsService {
 public:
  StsService(const KeyStore& store, CredentialIssuer& issuer,
             const openkeyring::Clock& clock)
      : store_(store), issuer_(issuer), clock_(clock) {}

  static bool Knows(const std::string& action);
  // AssumeRoleWithWebIdentity is the one that nobody signs.
  static bool NeedsSignature(const std::string& action);

  // The inner XML of the answer. `caller` may be null when no signature is
  // needed.
  Outcome<std::string> Call(const std::string& action, const std::string& form,
                            const Caller* caller);

 private:
  Outcome<std::string> AssumeRole(const std::string& form,
                                  const Caller& caller);
  Outcome<std::string> AssumeRoleWithWebIdentity(const std::string& form);
  Outcome<std::string> GetCallerIdentity(const Caller& caller) const;
  Outcome<WebIdentity> FindWebIdentity(const std::string& form) const;

  const KeyStore& store_;
  CredentialIssuer& issuer_;
  const openkeyring::Clock& clock_;
};

// The whole XML documents. Errors get STS's own names for what the JSON
// protocol calls otherwise, e.g. SignatureDoesNotMatch, and its HTTP status.
std::string StsAnswer(const std::string& action, const std::string& result,
                      const std::string& request_id);
struct StsError {
  int http_status;
  std::string code;
  std::string xml;
};
StsError ToStsError(const ServiceError& error, const std::string& request_id);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_STS_SERVICE_H_
