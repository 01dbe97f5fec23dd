// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_LOCATE_ALL_H_
#define OPENKEYRING_KMIP_LOCATE_ALL_H_

#include <string>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/client.h"

namespace openkeyring {

// Whether a list may be proven to be complete by an object of ours.
enum class KmipProbe { kAllowed, kForbidden };

// The identifiers of all objects that have these attributes, each once, all
// from the session's server. Some servers truncate their answers at a bound
// of their own (Cosmian: 1,000), which they do not tell; some give pages that
// overlap, ignore the offset, or cannot page (before 1.3); some report a wrong
// total. So a list counts as complete only when it is proven to be:
//
//  * by an empty page after several, so that the server's bound comes after the
//    offset, when all are there again in a second reading: what others destroy
//    meanwhile moves the pages, and hides an object between two of them;
//  * by an empty page after the only one, when neither a longer list (Maximum
//    Items) nor lists of other dates and states show more: a server that
//    applies its bound before the offset ends its pages there. When all are of
//    one second and state, and ten or more, by the object of the last resort
//    too, where the server takes one;
//  * else, since the bound is at least the longest answer that was seen, by
//    being shorter than another answer: the one for all objects of the client;
//  * else by splitting: each range of creation dates (Initial Date), and within
//    a second each State, gives a shorter list, and together they have all;
//  * else, when nothing but equally old objects is there, by registering an
//    opaque object, finding it in a longer answer, and destroying it.
//
// Nothing proves it on a server that bounds what it searches in, before it
// compares: there no search shows the rest. A store that is not shown fails,
// and so does a load without the group's marker.
//
// kUnavailable when completeness is not proven: an incomplete list never looks
// complete. kInvalidArgument for more than `most` objects.
Result<std::vector<std::string>> LocateAll(
    KmipSession& session, const KmipAttributes& attributes, size_t most,
    const Deadline& deadline, KmipProbe probe = KmipProbe::kAllowed);

// In a session of its own.
Result<std::vector<std::string>> LocateAll(KmipClient& client,
                                           const KmipAttributes& attributes,
                                           size_t most,
                                           const Deadline& deadline);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_LOCATE_ALL_H_
