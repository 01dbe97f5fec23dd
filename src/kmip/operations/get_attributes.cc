// SPDX-License-Identifier: MIT
#include "kmip/operations/get_attributes.h"

#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {

KmipCall MakeGetAttributes(std::string id,
                           std::vector<KmipAttributeRef> wanted) {
  return CallOnObject(
      KmipOperation::kGetAttributes, true, std::move(id),
      [wanted = std::move(wanted)](TtlvWriter& writer, KmipVersion version) {
        WriteKmipAttributeRefs(writer, version, wanted);
      });
}

Result<KmipAttributes> ReadGetAttributes(TtlvReader payload) {
  const Result<std::string> id = ReadKmipIdentifier(payload);
  if (!id) return id.error();
  TtlvReader items = payload;
  // 2.x puts them into a structure of their own.
  if (const auto typed = payload.Find(KmipTag::kAttributes)) {
    const Result<TtlvReader> content = typed->Structure();
    if (!content) return content.error();
    items = *content;
  }
  Result<KmipAttributes> attributes = ReadKmipAttributes(items);
  if (attributes) attributes->unique_identifier = *id;
  return attributes;
}

}  // namespace openkeyring
