// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_SET_ATTRIBUTE_H_
#define OPENKEYRING_KMIP_OPERATIONS_SET_ATTRIBUTE_H_

#include <string>

#include "kmip/attributes.h"
#include "kmip/messages.h"

namespace openkeyring {

// Gives an object one attribute more: AddAttribute in 1.x (section 4.14), and
// in 2.x SetAttribute (2.1 section 6.1.56) for attributes that have one value,
// AddAttribute for the others. `attribute` has exactly one set; borrowed.
// The answer: ReadKmipIdentifier. Not for a second time: what is there already
// is an error of the server.
KmipCall MakeSetAttribute(std::string id, const KmipAttributes& attribute);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_SET_ATTRIBUTE_H_
