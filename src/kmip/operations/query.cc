// SPDX-License-Identifier: MIT
#include "kmip/operations/query.h"

#include <algorithm>

namespace openkeyring {
namespace {

Status AddTo(KmipServerDescription& out, const TtlvItem& item) {
  if (item.tag == KmipTag::kVendorIdentification) {
    Result<std::string> vendor = item.Text();
    if (vendor) out.vendor = *std::move(vendor);
    return vendor.status();
  }
  if (item.tag != KmipTag::kOperation && item.tag != KmipTag::kObjectType) {
    return Status::Ok();
  }
  const Result<uint32_t> number = item.Enumeration();
  if (!number) return number.error();
  if (item.tag == KmipTag::kOperation) {
    out.operations.push_back(static_cast<KmipOperation>(*number));
  } else {
    out.object_types.push_back(static_cast<KmipObjectType>(*number));
  }
  return Status::Ok();
}

}  // namespace

KmipCall MakeQuery() {
  return {KmipOperation::kQuery, true,
          [](TtlvWriter& writer, KmipVersion) {
            for (const auto function :
                 {KmipQueryFunction::kOperations, KmipQueryFunction::kObjects,
                  KmipQueryFunction::kServerInformation}) {
              writer.Enumeration(KmipTag::kQueryFunction, function);
            }
          },
          ""};
}

bool KmipServerDescription::Supports(KmipOperation operation) const {
  return std::ranges::find(operations, operation) != operations.end();
}

Result<KmipServerDescription> ReadQuery(TtlvReader payload) {
  KmipServerDescription out;
  while (!payload.AtEnd()) {
    const Result<TtlvItem> item = payload.Take();
    if (!item) return item.error();
    Status status = AddTo(out, *item);
    if (!status.ok()) return status;
  }
  return out;
}

}  // namespace openkeyring
