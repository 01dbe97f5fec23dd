// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_TTLV_DUMP_H_
#define OPENKEYRING_TESTING_TTLV_DUMP_H_

#include <string>

#include "base/bytes.h"

namespace openkeyring {

// A message as text for people, one line an item, two spaces a level:
//
//   RequestMessage
//     RequestHeader
//       BatchCount Integer 1
//
// Nothing that may be secret is shown, only its size: byte strings and big
// integers (batch item ids apart), everything inside key values and
// credentials, passwords. Text has other than printable ASCII escaped. A broken
// message is shown up to where it breaks, and then why.
std::string DumpTtlv(ByteView message);

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_TTLV_DUMP_H_
