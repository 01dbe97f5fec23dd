// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_ACTIVATE_H_
#define OPENKEYRING_KMIP_OPERATIONS_ACTIVATE_H_

#include <string>

#include "kmip/messages.h"

namespace openkeyring {

// Activate (KMIP 1.4 section 4.19): Pre-Active to Active. Of an object that is
// Active already it is an error. The answer: ReadKmipIdentifier.
KmipCall MakeActivate(std::string id);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_ACTIVATE_H_
