// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_NEGOTIATION_H_
#define OPENKEYRING_KMIP_NEGOTIATION_H_

#include <functional>

#include "kmip/exchange.h"
#include "kmip/version.h"

namespace openkeyring {

// Finds out which version to speak with a server: the first of kKmipVersions
// that DiscoverVersions names. The question itself goes out in 1.4; when that
// is refused, or the connection is cut over it twice, in one version after the
// other. A server that takes the version but not the operation has answered
// too.
//
// `exchange` sends to the server, over a new connection after a failure.
// kMisconfigured when there is no version in common; otherwise what the last
// exchange ended with.
Result<KmipVersion> DiscoverKmipVersion(
    const std::function<KmipExchange(const Secret& request)>& exchange);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_NEGOTIATION_H_
