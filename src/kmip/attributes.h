// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_ATTRIBUTES_H_
#define OPENKEYRING_KMIP_ATTRIBUTES_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kmip/enums.h"
#include "kmip/ttlv_reader.h"
#include "kmip/ttlv_writer.h"
#include "kmip/version.h"

namespace openkeyring {

// Application Specific Information: a place where every application may keep
// its own data, by namespace (KMIP 1.4 section 3.36).
struct KmipApplicationInfo {
  std::string name_space;
  std::string data;
  bool operator==(const KmipApplicationInfo&) const = default;
};

// A custom attribute. "x-NAME" in 1.x, and vendor "x" with NAME in 2.x, are the
// same attribute (2.1 section 4.60). Text only: others' values of other types
// are not read.
struct KmipVendorAttribute {
  std::string vendor = "x";
  std::string name;
  std::string value;
  bool operator==(const KmipVendorAttribute&) const = default;
};

// What is said about an object, by the server or by us. Unset: not said.
struct KmipAttributes {
  std::vector<std::string> names;
  std::vector<std::string> object_groups;
  std::vector<KmipApplicationInfo> application_info;
  std::vector<KmipVendorAttribute> vendor_attributes;
  std::optional<std::string> unique_identifier;
  std::optional<KmipObjectType> object_type;
  std::optional<KmipState> state;
  std::optional<KmipAlgorithm> algorithm;
  std::optional<int32_t> length;      // Bits.
  std::optional<int32_t> usage_mask;  // Bits of KmipUsage, and others.
  std::optional<KmipTime> initial_date;
  std::optional<KmipTime> activation_date;
  std::optional<KmipTime> deactivation_date;
  std::optional<KmipTime> compromise_date;
  std::optional<KmipTime> destroy_date;

  bool operator==(const KmipAttributes&) const = default;
};

// Which attribute: a tag of a field above, or (tag kAttribute) a custom one.
struct KmipAttributeRef {
  KmipTag tag = KmipTag::kAttribute;
  std::string vendor;
  std::string name;
  bool operator==(const KmipAttributeRef&) const = default;
};

// "Cryptographic Length" for kCryptographicLength, as 1.x writes it; "x-NAME"
// for a custom one; "" for a tag that is not one of our attributes.
std::string KmipAttributeName(const KmipAttributeRef& attribute);
KmipAttributeRef KmipAttributeOfName(std::string_view name);

// The attributes that are set, one item each: Attribute{name, value} in 1.x,
// typed in 2.x.
void WriteKmipAttributes(TtlvWriter& writer, KmipVersion version,
                         const KmipAttributes& attributes);
// The same inside TemplateAttribute (1.x) or Attributes (2.x). Second values of
// an attribute get an index there in 1.x, as PyKMIP demands.
void WriteKmipTemplate(TtlvWriter& writer, KmipVersion version,
                       const KmipAttributes& attributes);

// Reads items of either kind; leaves out what it does not know. kCorrupt when
// one that it knows has a wrong type.
Result<KmipAttributes> ReadKmipAttributes(TtlvReader items);

// References, as GetAttributes asks for them.
void WriteKmipAttributeRefs(TtlvWriter& writer, KmipVersion version,
                            const std::vector<KmipAttributeRef>& attributes);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_ATTRIBUTES_H_
