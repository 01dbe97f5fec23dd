// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_PAGING_H_
#define OPENKEYRING_EMULATORS_KMS_PAGING_H_

#include <cstdlib>
#include <string>

#include "emulators/kms/fields.h"

namespace kms_emulator {

// Limit and Marker of the List operations. Here a marker is the number of the
// next item; clients must treat it as opaque.
struct Page {
  size_t limit = 0;
  std::string marker;

  static Page Read(Fields& fields, int64_t default_limit) {
    Page page;
    page.limit = static_cast<size_t>(
        fields.Number("Limit", 1, 1000).value_or(default_limit));
    page.marker = fields.Text("Marker", Fields::Need::kOptional, {1, 1024});
    return page;
  }

  // {name: this page of `all`, "Truncated": ..., "NextMarker": ...}
  Outcome<Json> Cut(const char* name, const Json& all) const {
    size_t start = 0;
    if (!marker.empty()) {
      start = std::strtoul(marker.c_str(), nullptr, 10);
      if (start == 0 || start >= all.size()) {
        return Fail("InvalidMarkerException", "Invalid marker");
      }
    }
    const size_t end = std::min(all.size(), start + limit);
    Json answer = {{name, Json::array()}, {"Truncated", end < all.size()}};
    for (size_t i = start; i < end; ++i) answer[name].push_back(all[i]);
    if (end < all.size()) answer["NextMarker"] = std::to_string(end);
    return answer;
  }
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_PAGING_H_
