// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_OPERATIONS_LOCATE_H_
#define OPENKEYRING_KMIP_OPERATIONS_LOCATE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/messages.h"

namespace openkeyring {

// Locate (KMIP 1.4 section 4.9): the identifiers of the objects that have all
// of these attributes.
struct KmipLocateRequest {
  KmipAttributes attributes;
  // Two Initial Dates mean a range that includes both.
  std::optional<std::pair<KmipTime, KmipTime>> created;
  int32_t maximum_items = 0;  // 0: no bound of ours.
  int32_t offset_items = 0;   // Since 1.3; not sent before.
};
KmipCall MakeLocate(KmipLocateRequest request);

struct KmipLocateAnswer {
  std::vector<std::string> ids;
  // How many there are in all, since 1.3. PyKMIP may say 0 whatever it found.
  std::optional<int32_t> located_items;
};
Result<KmipLocateAnswer> ReadLocate(TtlvReader payload);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_OPERATIONS_LOCATE_H_
