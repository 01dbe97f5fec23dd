// SPDX-License-Identifier: MIT
#include "kmip/attributes.h"

#include <string_view>
#include <utility>

#include "kmip/ttlv_fields.h"

namespace openkeyring {
namespace {

constexpr std::pair<KmipTag, std::string_view> kNames[] = {
    {KmipTag::kActivationDate, "Activation Date"},
    {KmipTag::kApplicationSpecificInformation,
     "Application Specific Information"},
    {KmipTag::kCompromiseDate, "Compromise Date"},
    {KmipTag::kCryptographicAlgorithm, "Cryptographic Algorithm"},
    {KmipTag::kCryptographicLength, "Cryptographic Length"},
    {KmipTag::kCryptographicUsageMask, "Cryptographic Usage Mask"},
    {KmipTag::kDeactivationDate, "Deactivation Date"},
    {KmipTag::kDestroyDate, "Destroy Date"},
    {KmipTag::kInitialDate, "Initial Date"},
    {KmipTag::kName, "Name"},
    {KmipTag::kObjectGroup, "Object Group"},
    {KmipTag::kObjectType, "Object Type"},
    {KmipTag::kState, "State"},
    {KmipTag::kUniqueIdentifier, "Unique Identifier"},
};

// Writes one attribute after the other in the frame of its version.
class AttributeWriter {
 public:
  AttributeWriter(TtlvWriter& writer, KmipVersion version, bool indexed)
      : writer_(writer),
        typed_(version.HasTypedAttributes()),
        indexed_(indexed) {}

  // `write` gets the tag that the value must have.
  template <typename Write>
  void Put(KmipTag tag, Write write) {
    if (typed_) return write(tag);
    const TtlvStructure attribute(writer_, KmipTag::kAttribute);
    writer_.Text(KmipTag::kAttributeName, KmipAttributeName({tag, "", ""}));
    // Values of one attribute come one after the other.
    index_ = tag == last_ ? index_ + 1 : 0;
    last_ = tag;
    if (indexed_ && index_ > 0) {
      writer_.Integer(KmipTag::kAttributeIndex, index_);
    }
    write(KmipTag::kAttributeValue);
  }
  void PutName(const std::string& name) {
    Put(KmipTag::kName, [&](KmipTag tag) {
      const TtlvStructure structure(writer_, tag);
      writer_.Text(KmipTag::kNameValue, name);
      writer_.Enumeration(KmipTag::kNameType, KmipNameType::kText);
    });
  }
  void PutInfo(const KmipApplicationInfo& info) {
    Put(KmipTag::kApplicationSpecificInformation, [&](KmipTag tag) {
      const TtlvStructure structure(writer_, tag);
      writer_.Text(KmipTag::kApplicationNamespace, info.name_space);
      writer_.Text(KmipTag::kApplicationData, info.data);
    });
  }
  void PutVendor(const KmipVendorAttribute& custom) {
    const TtlvStructure attribute(writer_, KmipTag::kAttribute);
    if (typed_) writer_.Text(KmipTag::kVendorIdentification, custom.vendor);
    writer_.Text(KmipTag::kAttributeName,
                 typed_ ? custom.name : custom.vendor + "-" + custom.name);
    writer_.Text(KmipTag::kAttributeValue, custom.value);
  }
  void PutText(KmipTag tag, const std::string& value) {
    Put(tag, [&](KmipTag as) { writer_.Text(as, value); });
  }
  void PutInteger(KmipTag tag, const std::optional<int32_t>& value) {
    if (value) Put(tag, [&](KmipTag as) { writer_.Integer(as, *value); });
  }
  void PutDate(KmipTag tag, const std::optional<KmipTime>& value) {
    if (value) Put(tag, [&](KmipTag as) { writer_.DateTime(as, *value); });
  }
  template <typename Enum>
  void PutEnum(KmipTag tag, const std::optional<Enum>& value) {
    if (value) Put(tag, [&](KmipTag as) { writer_.Enumeration(as, *value); });
  }

 private:
  TtlvWriter& writer_;
  const bool typed_;
  const bool indexed_;
  std::optional<KmipTag> last_;
  int32_t index_ = 0;
};

void WriteAll(AttributeWriter out, const KmipAttributes& attributes) {
  if (attributes.unique_identifier) {
    out.PutText(KmipTag::kUniqueIdentifier, *attributes.unique_identifier);
  }
  for (const auto& name : attributes.names) out.PutName(name);
  for (const auto& group : attributes.object_groups) {
    out.PutText(KmipTag::kObjectGroup, group);
  }
  out.PutEnum(KmipTag::kObjectType, attributes.object_type);
  out.PutEnum(KmipTag::kCryptographicAlgorithm, attributes.algorithm);
  out.PutInteger(KmipTag::kCryptographicLength, attributes.length);
  out.PutInteger(KmipTag::kCryptographicUsageMask, attributes.usage_mask);
  out.PutEnum(KmipTag::kState, attributes.state);
  out.PutDate(KmipTag::kInitialDate, attributes.initial_date);
  out.PutDate(KmipTag::kActivationDate, attributes.activation_date);
  out.PutDate(KmipTag::kDeactivationDate, attributes.deactivation_date);
  out.PutDate(KmipTag::kCompromiseDate, attributes.compromise_date);
  out.PutDate(KmipTag::kDestroyDate, attributes.destroy_date);
  for (const auto& info : attributes.application_info) out.PutInfo(info);
  for (const auto& custom : attributes.vendor_attributes) {
    out.PutVendor(custom);
  }
}

template <typename T, typename Value>
Status Store(std::optional<T>& field, Result<Value> value) {
  if (!value) return value.error();
  if (!field) field = static_cast<T>(*std::move(value));
  return Status::Ok();
}

Status AddText(std::vector<std::string>& list, Result<std::string> text) {
  if (!text) return text.error();
  list.push_back(*std::move(text));
  return Status::Ok();
}

Status AddName(KmipAttributes& out, const TtlvItem& value) {
  const Result<TtlvReader> structure = value.Structure();
  if (!structure) return structure.error();
  TtlvFields fields(*structure);
  std::string name = fields.Text(KmipTag::kNameValue);
  if (fields.status().ok()) out.names.push_back(std::move(name));
  return fields.status();
}

Status AddInfo(KmipAttributes& out, const TtlvItem& value) {
  const Result<TtlvReader> structure = value.Structure();
  if (!structure) return structure.error();
  TtlvFields fields(*structure);
  KmipApplicationInfo info;
  info.name_space = fields.Text(KmipTag::kApplicationNamespace);
  // 1.x lets a client leave the data to the server; then it may be missing.
  info.data = fields.OptionalText(KmipTag::kApplicationData).value_or("");
  if (fields.status().ok()) out.application_info.push_back(std::move(info));
  return fields.status();
}

// `value` is the attribute's content, whatever its own tag.
Status AddTyped(KmipAttributes& out, KmipTag attribute, const TtlvItem& value) {
  switch (attribute) {
    case KmipTag::kName:
      return AddName(out, value);
    case KmipTag::kApplicationSpecificInformation:
      return AddInfo(out, value);
    case KmipTag::kObjectGroup:
      return AddText(out.object_groups, value.Text());
    case KmipTag::kUniqueIdentifier:
      return Store(out.unique_identifier, value.Text());
    case KmipTag::kObjectType:
      return Store(out.object_type, value.Enumeration());
    case KmipTag::kState:
      return Store(out.state, value.Enumeration());
    case KmipTag::kCryptographicAlgorithm:
      return Store(out.algorithm, value.Enumeration());
    case KmipTag::kCryptographicLength:
      return Store(out.length, value.Integer());
    case KmipTag::kCryptographicUsageMask:
      return Store(out.usage_mask, value.Integer());
    case KmipTag::kInitialDate:
      return Store(out.initial_date, value.DateTime());
    case KmipTag::kActivationDate:
      return Store(out.activation_date, value.DateTime());
    case KmipTag::kDeactivationDate:
      return Store(out.deactivation_date, value.DateTime());
    case KmipTag::kCompromiseDate:
      return Store(out.compromise_date, value.DateTime());
    case KmipTag::kDestroyDate:
      return Store(out.destroy_date, value.DateTime());
    default:
      return Status::Ok();
  }
}

void AddVendor(KmipAttributes& out, std::string vendor, std::string name,
               const TtlvItem& value) {
  if (value.type != TtlvType::kTextString) return;
  out.vendor_attributes.push_back(
      {std::move(vendor), std::move(name), *value.Text()});
}

// Attribute{...}: 1.x's frame, or 2.x's custom attribute.
Status AddFramed(KmipAttributes& out, const TtlvItem& item) {
  const Result<TtlvReader> content = item.Structure();
  if (!content) return content.error();
  TtlvFields fields(*content);
  const std::string name = fields.Text(KmipTag::kAttributeName);
  const auto vendor = fields.OptionalText(KmipTag::kVendorIdentification);
  if (!fields.status().ok()) return fields.status();
  const auto value = content->Find(KmipTag::kAttributeValue);
  if (!value) return Status::Ok();  // Set, but without a value.
  if (vendor) {
    AddVendor(out, *vendor, name, *value);
    return Status::Ok();
  }
  const KmipAttributeRef attribute = KmipAttributeOfName(name);
  if (attribute.tag != KmipTag::kAttribute) {
    return AddTyped(out, attribute.tag, *value)
        .WithContext("attribute " + name);
  }
  if (!attribute.vendor.empty()) {
    AddVendor(out, attribute.vendor, attribute.name, *value);
  }
  return Status::Ok();
}

}  // namespace

std::string KmipAttributeName(const KmipAttributeRef& attribute) {
  if (attribute.tag == KmipTag::kAttribute) {
    // Standard ones that are none of ours have no vendor.
    return attribute.vendor.empty() ? attribute.name
                                    : attribute.vendor + "-" + attribute.name;
  }
  for (const auto& [tag, name] : kNames) {
    if (tag == attribute.tag) return std::string(name);
  }
  return "";
}

KmipAttributeRef KmipAttributeOfName(std::string_view name) {
  for (const auto& [tag, known] : kNames) {
    if (known == name) return {tag, "", ""};
  }
  if (name.starts_with("x-") || name.starts_with("y-")) {
    return {KmipTag::kAttribute, std::string(name.substr(0, 1)),
            std::string(name.substr(2))};
  }
  return {KmipTag::kAttribute, "", std::string(name)};
}

void WriteKmipAttributes(TtlvWriter& writer, KmipVersion version,
                         const KmipAttributes& attributes) {
  WriteAll(AttributeWriter(writer, version, false), attributes);
}

void WriteKmipTemplate(TtlvWriter& writer, KmipVersion version,
                       const KmipAttributes& attributes) {
  const TtlvStructure frame(writer, version.HasTypedAttributes()
                                        ? KmipTag::kAttributes
                                        : KmipTag::kTemplateAttribute);
  WriteAll(AttributeWriter(writer, version, true), attributes);
}

Result<KmipAttributes> ReadKmipAttributes(TtlvReader items) {
  KmipAttributes out;
  while (!items.AtEnd()) {
    const Result<TtlvItem> item = items.Take();
    if (!item) return item.error();
    Status status = item->tag == KmipTag::kAttribute
                        ? AddFramed(out, *item)
                        : AddTyped(out, item->tag, *item);
    if (!status.ok()) return status;
  }
  return out;
}

void WriteKmipAttributeRefs(TtlvWriter& writer, KmipVersion version,
                            const std::vector<KmipAttributeRef>& attributes) {
  for (const KmipAttributeRef& attribute : attributes) {
    if (!version.HasTypedAttributes()) {
      writer.Text(KmipTag::kAttributeName, KmipAttributeName(attribute));
    } else if (attribute.tag != KmipTag::kAttribute) {
      writer.Enumeration(KmipTag::kAttributeReference, attribute.tag);
    } else {
      const TtlvStructure reference(writer, KmipTag::kAttributeReference);
      writer.Text(KmipTag::kVendorIdentification, attribute.vendor);
      writer.Text(KmipTag::kAttributeName, attribute.name);
    }
  }
}

}  // namespace openkeyring
