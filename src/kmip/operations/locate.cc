// SPDX-License-Identifier: MIT
#include "kmip/operations/locate.h"

#include <utility>

#include "kmip/ttlv_fields.h"

namespace openkeyring {

namespace {

void WriteFilters(TtlvWriter& writer, KmipVersion version,
                  const KmipLocateRequest& request) {
  WriteKmipAttributes(writer, version, request.attributes);
  if (!request.created) return;
  for (const KmipTime date :
       {request.created->first, request.created->second}) {
    KmipAttributes filter;
    filter.initial_date = date;
    WriteKmipAttributes(writer, version, filter);
  }
}

}  // namespace

KmipCall MakeLocate(KmipLocateRequest request) {
  return {
      KmipOperation::kLocate, true,
      [request = std::move(request)](TtlvWriter& writer, KmipVersion version) {
        if (request.maximum_items > 0) {
          writer.Integer(KmipTag::kMaximumItems, request.maximum_items);
        }
        if (request.offset_items > 0 && version.HasOffset()) {
          writer.Integer(KmipTag::kOffsetItems, request.offset_items);
        }
        if (version.HasTypedAttributes()) {
          const TtlvStructure frame(writer, KmipTag::kAttributes);
          WriteFilters(writer, version, request);
        } else {
          WriteFilters(writer, version, request);
        }
      },
      ""};
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
