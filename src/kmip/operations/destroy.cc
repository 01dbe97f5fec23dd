// SPDX-License-Identifier: MIT
#include "kmip/operations/destroy.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeDestroy(std::string id) {
  return {KmipOperation::kDestroy, std::nullopt, false,
          [id = std::move(id)](TtlvWriter& writer, KmipVersion) {
            WriteKmipIdentifier(writer, id);
          }};
}

}  // namespace openkeyring
