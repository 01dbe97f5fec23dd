// SPDX-License-Identifier: MIT
#include "kmip/operations/get_attribute_list.h"

#include <utility>

#include "kmip/operations/identified.h"
#include "kmip/ttlv_fields.h"

namespace openkeyring {
namespace {

Status AddReference(std::vector<KmipAttributeRef>& out, const TtlvItem& item) {
  if (item.type == TtlvType::kEnumeration) {
    const KmipAttributeRef known{static_cast<KmipTag>(*item.Enumeration()), "",
                                 ""};
    if (!KmipAttributeName(known).empty() && known.tag != KmipTag::kAttribute) {
      out.push_back(known);
    }
    return Status::Ok();
  }
  const Result<TtlvReader> content = item.Structure();
  if (!content) return content.error();
  TtlvFields fields(*content);
  out.push_back({KmipTag::kAttribute,
                 fields.Text(KmipTag::kVendorIdentification),
                 fields.Text(KmipTag::kAttributeName)});
  return fields.status();
}

}  // namespace

KmipCall MakeGetAttributeList(std::string id) {
  return {KmipOperation::kGetAttributeList, std::nullopt, true,
          [id = std::move(id)](TtlvWriter& writer, KmipVersion) {
            WriteKmipIdentifier(writer, id);
          }};
}

Result<std::vector<KmipAttributeRef>> ReadGetAttributeList(TtlvReader payload) {
  std::vector<KmipAttributeRef> out;
  while (!payload.AtEnd()) {
    const Result<TtlvItem> item = payload.Take();
    if (!item) return item.error();
    if (item->tag == KmipTag::kAttributeName) {
      const Result<std::string> name = item->Text();
      if (!name) return name.error();
      out.push_back(KmipAttributeOfName(*name));
    } else if (item->tag == KmipTag::kAttributeReference) {
      Status status = AddReference(out, *item);
      if (!status.ok()) return status;
    }
  }
  return out;
}

}  // namespace openkeyring
