// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_GET_ATTRIBUTES_H_
#define OPENKEYRING_KMIP_OPERATIONS_GET_ATTRIBUTES_H_

#include <string>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/messages.h"

namespace openkeyring {

// GetAttributes (KMIP 1.4 section 4.12). `wanted` empty: all. Servers may give
// fewer than was asked for, and others.
KmipCall MakeGetAttributes(std::string id,
                           std::vector<KmipAttributeRef> wanted);
// With unique_identifier set.
Result<KmipAttributes> ReadGetAttributes(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_GET_ATTRIBUTES_H_
