// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_NEGOTIATION_H_
#define OPENKEYRING_KMIP_NEGOTIATION_H_

#include <functional>

#include "base/secret.h"
#include "base/status.h"
#include "kmip/version.h"

namespace openkeyring {

// What became of one message that was sent to a server.
struct KmipExchange {
  // Ok: there is a complete response. kUnavailable: also when what came is not
  // one, or larger than allowed. Otherwise the stream's errors.
  Status status;
  // Whether the complete request went out. If not, the server has done nothing
  // of it; if so and there is no response, it may have done all of it.
  bool sent = false;
  Secret response;
};

// Finds out which version to speak with a server: the first of kKmipVersions
// that DiscoverVersions names. The question itself goes out in 1.4, and when
// that version is refused, or the connection is closed over it twice, in one
// version after the other, once each. Any other failure is an answer: the
// server read the question, so it speaks the version that it was asked in.
//
// `exchange` sends to the server, over a new connection if the last was closed.
// kMisconfigured when there is no version in common; otherwise what the last
// exchange ended with.
Result<KmipVersion> DiscoverKmipVersion(
    const std::function<KmipExchange(const Secret& request)>& exchange);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_NEGOTIATION_H_
