// SPDX-License-Identifier: MIT
#include "kmip/operations/identified.h"

#include "kmip/ttlv_fields.h"

namespace openkeyring {

void WriteKmipIdentifier(TtlvWriter& writer, const std::string& id) {
  if (!id.empty()) writer.Text(KmipTag::kUniqueIdentifier, id);
}

Result<std::string> ReadKmipIdentifier(TtlvReader payload) {
  TtlvFields fields(payload);
  std::string id = fields.Text(KmipTag::kUniqueIdentifier);
  if (!fields.status().ok()) return fields.status();
  return id;
}

}  // namespace openkeyring
