// SPDX-License-Identifier: MIT
#include "kmip/operations/activate.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeActivate(std::string id) {
  return {KmipOperation::kActivate, std::nullopt, false,
          [id = std::move(id)](TtlvWriter& writer, KmipVersion) {
            WriteKmipIdentifier(writer, id);
          }};
}

}  // namespace openkeyring
