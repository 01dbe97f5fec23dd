// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_GET_ATTRIBUTE_LIST_H_
#define OPENKEYRING_KMIP_OPERATIONS_GET_ATTRIBUTE_LIST_H_

#include <string>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/messages.h"

namespace openkeyring {

// GetAttributeList (KMIP 1.4 section 4.13): which attributes an object has.
KmipCall MakeGetAttributeList(std::string id);
// Attributes that we do not know are left out in 2.x, and are there by name
// only (tag kAttribute, no vendor) in 1.x.
Result<std::vector<KmipAttributeRef>> ReadGetAttributeList(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_GET_ATTRIBUTE_LIST_H_
