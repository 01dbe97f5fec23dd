// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_CALLER_H_
#define OPENKEYRING_EMULATORS_KMS_CALLER_H_

#include <string>

#include "emulators/kms/model.h"

namespace kms_emulator {

// Who signed a request, and for which region.
struct Caller {
  std::string access_key_id;
  std::string principal;  // ARN.
  std::string region;     // Of the credential scope.
  Policy policy;
};

// Nothing, or AccessDeniedException with AWS's text (principal, action,
// resource). `action` is like "kms:Decrypt"; `resource` is an ARN or "*".
Outcome<void> Authorize(const Caller& caller, const std::string& action,
                        const std::string& resource);

// The same refusal for a resource of another account.
Failure DenyForeign(const Caller& caller, const std::string& action,
                    const std::string& resource);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_CALLER_H_
