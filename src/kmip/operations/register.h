// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_REGISTER_H_
#define OPENKEYRING_KMIP_OPERATIONS_REGISTER_H_

#include "kmip/attributes.h"
#include "kmip/messages.h"
#include "kmip/object.h"

namespace openkeyring {

// Register (KMIP 1.4 section 4.3): stores an object of ours. Both borrowed.
// Some servers want the usage mask of every key and secret, and the algorithm
// and length of a key in the attributes too. The answer: ReadKmipIdentifier.
KmipCall MakeRegister(const KmipObject& object,
                      const KmipAttributes& attributes);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_REGISTER_H_
