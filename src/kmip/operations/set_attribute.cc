// SPDX-License-Identifier: MIT
#include "kmip/operations/set_attribute.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {
namespace {

bool HasManyValues(const KmipAttributes& attribute) {
  return !attribute.names.empty() || !attribute.object_groups.empty() ||
         !attribute.application_info.empty();
}

}  // namespace

KmipCall MakeSetAttribute(std::string id, const KmipAttributes& attribute) {
  return {KmipOperation::kAddAttribute,
          HasManyValues(attribute) ? KmipOperation::kAddAttribute
                                   : KmipOperation::kSetAttribute,
          false,
          [id = std::move(id), &attribute](TtlvWriter& writer,
                                           KmipVersion version) {
            WriteKmipIdentifier(writer, id);
            if (!version.HasTypedAttributes()) {
              WriteKmipAttributes(writer, version, attribute);
              return;
            }
            const TtlvStructure frame(writer, KmipTag::kNewAttribute);
            WriteKmipAttributes(writer, version, attribute);
          }};
}

}  // namespace openkeyring
