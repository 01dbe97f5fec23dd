// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_VERSION_H_
#define OPENKEYRING_KMIP_VERSION_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace openkeyring {

struct KmipVersion {
  int32_t major = 1;
  int32_t minor = 4;

  auto operator<=>(const KmipVersion&) const = default;
  // 2.x sends attributes as typed fields, 1.x as pairs of name and value.
  bool HasTypedAttributes() const { return major >= 2; }
  bool HasOffset() const { return *this >= KmipVersion{1, 3}; }  // Of Locate.
  std::string Text() const {
    return std::to_string(major) + "." + std::to_string(minor);
  }
};

// All that we speak, the one that we like best first: 1.4 is what servers do
// best; 2.x has no more that we need, and servers have gaps there.
inline constexpr std::array<KmipVersion, 7> kKmipVersions = {
    KmipVersion{1, 4}, KmipVersion{1, 3}, KmipVersion{1, 2}, KmipVersion{1, 1},
    KmipVersion{1, 0}, KmipVersion{2, 1}, KmipVersion{2, 0}};

// "1.4"; kMisconfigured for what is not among kKmipVersions.
inline Result<KmipVersion> ParseKmipVersion(std::string_view text) {
  for (const KmipVersion& version : kKmipVersions) {
    if (version.Text() == text) return version;
  }
  return Status(StatusCode::kMisconfigured,
                "KMIP version \"" + std::string(text) +
                    "\" is none of 1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 2.1");
}

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_VERSION_H_
