// SPDX-License-Identifier: MIT
#include "kmip/operations/discover_versions.h"

#include <utility>

#include "kmip/ttlv_fields.h"

namespace openkeyring {

KmipCall MakeDiscoverVersions(std::vector<KmipVersion> ours) {
  return {KmipOperation::kDiscoverVersions, true,
          [ours = std::move(ours)](TtlvWriter& writer, KmipVersion) {
            for (const KmipVersion& version : ours) {
              const TtlvStructure item(writer, KmipTag::kProtocolVersion);
              writer.Integer(KmipTag::kProtocolVersionMajor, version.major);
              writer.Integer(KmipTag::kProtocolVersionMinor, version.minor);
            }
          },
          ""};
}

Result<std::vector<KmipVersion>> ReadDiscoverVersions(TtlvReader payload) {
  std::vector<KmipVersion> versions;
  while (!payload.AtEnd()) {
    const Result<TtlvItem> item = payload.Take();
    if (!item) return item.error();
    if (item->tag != KmipTag::kProtocolVersion) continue;
    const Result<TtlvReader> content = item->Structure();
    if (!content) return content.error();
    TtlvFields fields(*content);
    versions.push_back({fields.Integer(KmipTag::kProtocolVersionMajor),
                        fields.Integer(KmipTag::kProtocolVersionMinor)});
    if (!fields.status().ok()) return fields.status();
  }
  return versions;
}

}  // namespace openkeyring
