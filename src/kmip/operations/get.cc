// SPDX-License-Identifier: MIT
#include "kmip/operations/get.h"

#include <utility>

#include "kmip/operations/identified.h"
#include "kmip/ttlv_fields.h"

namespace openkeyring {

KmipCall MakeGet(std::string id) {
  return CallOnObject(KmipOperation::kGet, true, std::move(id));
}

Result<KmipGetAnswer> ReadGet(TtlvReader payload) {
  TtlvFields fields(payload);
  std::string id = fields.Text(KmipTag::kUniqueIdentifier);
  const auto type = fields.Enumeration<KmipObjectType>(KmipTag::kObjectType);
  if (!fields.status().ok()) return fields.status();
  Result<KmipObject> object = ReadKmipObject(payload, type);
  if (!object) return object.error();
  return KmipGetAnswer{std::move(id), std::move(*object)};
}

}  // namespace openkeyring
