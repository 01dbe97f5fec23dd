// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_REVOKE_H_
#define OPENKEYRING_KMIP_OPERATIONS_REVOKE_H_

#include <optional>
#include <string>

#include "kmip/messages.h"

namespace openkeyring {

// Revoke (KMIP 1.4 section 4.20): Active to Deactivated, or to Compromised. The
// answer: ReadKmipIdentifier.
struct KmipRevokeRequest {
  std::string id;
  KmipRevocationReason reason = KmipRevocationReason::kUnspecified;
  std::string message;
  // Required with kKeyCompromise.
  std::optional<KmipTime> compromise_occurrence;
};
KmipCall MakeRevoke(KmipRevokeRequest request);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_REVOKE_H_
