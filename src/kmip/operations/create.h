// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_CREATE_H_
#define OPENKEYRING_KMIP_OPERATIONS_CREATE_H_

#include "kmip/attributes.h"
#include "kmip/messages.h"

namespace openkeyring {

// Create (KMIP 1.4 section 4.1): a symmetric key that the server makes.
// `attributes` need algorithm, length and usage mask; they are borrowed.
// The answer: ReadKmipIdentifier.
KmipCall MakeCreate(const KmipAttributes& attributes);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_CREATE_H_
