// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_GET_H_
#define OPENKEYRING_KMIP_OPERATIONS_GET_H_

#include <string>

#include "kmip/messages.h"
#include "kmip/object.h"

namespace openkeyring {

// Get (KMIP 1.4 section 4.11): an object with its value, in the server's own
// format.
KmipCall MakeGet(std::string id);

struct KmipGetAnswer {
  std::string id;
  KmipObject object;
};
// Errors: ReadKmipObject.
Result<KmipGetAnswer> ReadGet(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_GET_H_
