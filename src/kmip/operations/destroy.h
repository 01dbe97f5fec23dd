// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_DESTROY_H_
#define OPENKEYRING_KMIP_OPERATIONS_DESTROY_H_

#include <string>

#include "kmip/messages.h"

namespace openkeyring {

// Destroy (KMIP 1.4 section 4.21). An Active object is refused by most servers:
// Revoke it first. The answer: ReadKmipIdentifier.
KmipCall MakeDestroy(std::string id);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_DESTROY_H_
