// SPDX-License-Identifier: MIT
#include "kmip/operations/identified.h"

#include <utility>

#include "kmip/ttlv_fields.h"

namespace openkeyring {

KmipCall CallOnObject(KmipOperation operation, bool idempotent, std::string id,
                      std::function<void(TtlvWriter&, KmipVersion)> write) {
  const auto write_all = [id, write = std::move(write)](TtlvWriter& writer,
                                                        KmipVersion version) {
    writer.Text(KmipTag::kUniqueIdentifier, id);
    if (write) write(writer, version);
  };
  return {operation, idempotent, write_all, std::move(id)};
}

Result<std::string> ReadKmipIdentifier(TtlvReader payload) {
  TtlvFields fields(payload);
  std::string id = fields.Text(KmipTag::kUniqueIdentifier);
  if (!fields.status().ok()) return fields.status();
  return id;
}

}  // namespace openkeyring
