// SPDX-License-Identifier: MIT
#include "kmip/operations/register.h"

namespace openkeyring {

KmipCall MakeRegister(const KmipObject& object,
                      const KmipAttributes& attributes) {
  return {KmipOperation::kRegister, false,
          [&](TtlvWriter& writer, KmipVersion version) {
            writer.Enumeration(KmipTag::kObjectType, object.type);
            WriteKmipTemplate(writer, version, attributes);
            WriteKmipObject(writer, object);
          },
          ""};
}

}  // namespace openkeyring
