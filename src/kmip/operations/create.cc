// SPDX-License-Identifier: MIT
#include "kmip/operations/create.h"

namespace openkeyring {

KmipCall MakeCreate(const KmipAttributes& attributes) {
  return {KmipOperation::kCreate, false,
          [&attributes](TtlvWriter& writer, KmipVersion version) {
            writer.Enumeration(KmipTag::kObjectType,
                               KmipObjectType::kSymmetricKey);
            WriteKmipTemplate(writer, version, attributes);
          },
          ""};
}

}  // namespace openkeyring
