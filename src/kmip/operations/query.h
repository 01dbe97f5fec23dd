// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_QUERY_H_
#define OPENKEYRING_KMIP_OPERATIONS_QUERY_H_

#include <string>
#include <vector>

#include "kmip/messages.h"

namespace openkeyring {

// Query (KMIP 1.4 section 4.25): what the server can do.
KmipCall MakeQuery();

struct KmipServerDescription {
  std::vector<KmipOperation> operations;
  std::vector<KmipObjectType> object_types;
  std::string vendor;  // "" when it does not say.

  bool Supports(KmipOperation operation) const;
};
Result<KmipServerDescription> ReadQuery(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_QUERY_H_
