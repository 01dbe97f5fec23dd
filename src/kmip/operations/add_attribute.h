// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_ADD_ATTRIBUTE_H_
#define OPENKEYRING_KMIP_OPERATIONS_ADD_ATTRIBUTE_H_

#include <string>

#include "kmip/attributes.h"
#include "kmip/messages.h"

namespace openkeyring {

// AddAttribute (KMIP 1.4 section 4.14): gives an object one more name, object
// group or application information, of which it may have several. `attribute`
// has exactly one set; it is borrowed. The answer: ReadKmipIdentifier.
KmipCall MakeAddAttribute(std::string id, const KmipAttributes& attribute);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_ADD_ATTRIBUTE_H_
