// SPDX-License-Identifier: MIT
#include "kmip/operations/add_attribute.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeAddAttribute(std::string id, const KmipAttributes& attribute) {
  return CallOnObject(KmipOperation::kAddAttribute, false, std::move(id),
                      [&attribute](TtlvWriter& writer, KmipVersion version) {
                        if (!version.HasTypedAttributes()) {
                          WriteKmipAttributes(writer, version, attribute);
                          return;
                        }
                        const TtlvStructure frame(writer,
                                                  KmipTag::kNewAttribute);
                        WriteKmipAttributes(writer, version, attribute);
                      });
}

}  // namespace openkeyring
