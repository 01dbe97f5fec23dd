// SPDX-License-Identifier: MIT
#include "kmip/operations/destroy.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeDestroy(std::string id) {
  return CallOnObject(KmipOperation::kDestroy, false, std::move(id));
}

}  // namespace openkeyring
