// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_DISCOVER_VERSIONS_H_
#define OPENKEYRING_KMIP_OPERATIONS_DISCOVER_VERSIONS_H_

#include <vector>

#include "kmip/messages.h"

namespace openkeyring {

// DiscoverVersions (KMIP 1.1 section 4.26): which of these versions the server
// speaks. Empty: all of its own.
KmipCall MakeDiscoverVersions(std::vector<KmipVersion> ours);
// In the server's order of preference.
Result<std::vector<KmipVersion>> ReadDiscoverVersions(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_DISCOVER_VERSIONS_H_
