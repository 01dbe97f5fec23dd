// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_LOCATE_ALL_H_
#define OPENKEYRING_KMIP_LOCATE_ALL_H_

#include <string>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/client.h"

namespace openkeyring {

// The identifiers of all objects that have these attributes, each once, in the
// server's order. Servers differ: some cut the list at a bound of their own
// (Cosmian: 1,000) or give pages that overlap, some cannot page (before 1.3),
// some say wrongly how many there are. So: ask for everything, and then for
// what comes after it, until nothing new comes or the server's own count is
// reached.
//
// kUnavailable when the server says that there are more than it gave: an
// incomplete list never looks complete. kInvalidArgument beyond `most`.
Result<std::vector<std::string>> LocateAll(KmipClient& client,
                                           const KmipAttributes& attributes,
                                           size_t most,
                                           const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_LOCATE_ALL_H_
