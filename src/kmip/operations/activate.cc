// SPDX-License-Identifier: MIT
#include "kmip/operations/activate.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeActivate(std::string id) {
  return CallOnObject(KmipOperation::kActivate, false, std::move(id));
}

}  // namespace openkeyring
