// SPDX-License-Identifier: MIT
#include "kmip/operations/locate.h"

#include <utility>

#include "kmip/ttlv_fields.h"

namespace openkeyring {

KmipCall MakeLocate(KmipLocateRequest request) {
  return {
      KmipOperation::kLocate, std::nullopt, true,
      [request = std::move(request)](TtlvWriter& writer, KmipVersion version) {
        if (request.maximum_items > 0) {
          writer.Integer(KmipTag::kMaximumItems, request.maximum_items);
        }
        if (request.offset_items > 0 && version.HasOffset()) {
          writer.Integer(KmipTag::kOffsetItems, request.offset_items);
        }
        if (version.HasTypedAttributes()) {
          WriteKmipTemplate(writer, version, request.attributes);
        } else {
          WriteKmipAttributes(writer, version, request.attributes);
        }
      }};
}

Result<KmipLocateAnswer> ReadLocate(TtlvReader payload) {
  KmipLocateAnswer answer;
  TtlvFields fields(payload);
  answer.located_items = fields.OptionalInteger(KmipTag::kLocatedItems);
  if (!fields.status().ok()) return fields.status();
  while (!payload.AtEnd()) {
    const Result<TtlvItem> item = payload.Take();
    if (!item) return item.error();
    if (item->tag != KmipTag::kUniqueIdentifier) continue;
    Result<std::string> id = item->Text();
    if (!id) return id.error();
    answer.ids.push_back(*std::move(id));
  }
  return answer;
}

}  // namespace openkeyring
