// SPDX-License-Identifier: MIT
#include "testing/ttlv_dump.h"

#include <array>

#include "base/encoding.h"
#include "kmip/enums.h"
#include "kmip/ttlv_reader.h"

namespace openkeyring {
namespace {

constexpr std::array<const char*, 12> kTypeNames = {
    "",           "Structure", "Integer",  "LongInteger",
    "BigInteger", "Enum",      "Boolean",  "Text",
    "Bytes",      "DateTime",  "Interval", "DateTimeExtended"};

bool HidesAllInside(KmipTag tag) {
  return tag == KmipTag::kKeyValue || tag == KmipTag::kKeyMaterial ||
         tag == KmipTag::kCredential || tag == KmipTag::kCredentialValue ||
         tag == KmipTag::kPassword || tag == KmipTag::kKey ||
         tag == KmipTag::kOpaqueDataValue;
}

bool MayBeSecret(const TtlvItem& item) {
  const bool opaque = item.type == TtlvType::kByteString ||
                      item.type == TtlvType::kBigInteger ||
                      item.type == TtlvType::kStructure;  // Too deep to show.
  return opaque && item.tag != KmipTag::kUniqueBatchItemID;
}

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c < 0x7f && c != '\\' && c != '"') {
      out += c;
    } else {
      out += "\\x" + HexEncode(AsBytes({&c, 1}));
    }
  }
  return '"' + out + '"';
}

std::string EnumText(KmipTag tag, uint32_t value) {
  switch (tag) {
    case KmipTag::kOperation:
      return KmipName(static_cast<KmipOperation>(value));
    case KmipTag::kResultStatus:
      return KmipName(static_cast<KmipResultStatus>(value));
    case KmipTag::kResultReason:
      return KmipName(static_cast<KmipResultReason>(value));
    case KmipTag::kObjectType:
      return KmipName(static_cast<KmipObjectType>(value));
    case KmipTag::kState:
      return KmipName(static_cast<KmipState>(value));
    case KmipTag::kAttributeReference:
      return KmipTagName(static_cast<KmipTag>(value));
    default:
      return std::to_string(value);
  }
}

std::string ValueText(const TtlvItem& item) {
  switch (item.type) {
    case TtlvType::kInteger:
      return std::to_string(*item.Integer());
    case TtlvType::kLongInteger:
      return std::to_string(*item.LongInteger());
    case TtlvType::kEnumeration:
      return EnumText(item.tag, *item.Enumeration());
    case TtlvType::kBoolean:
      return *item.Boolean() ? "true" : "false";
    case TtlvType::kTextString:
      return Printable(AsText(item.value));
    case TtlvType::kDateTime:
    case TtlvType::kDateTimeExtended:
      return std::to_string(item.DateTime()->time_since_epoch().count());
    case TtlvType::kInterval:
      return std::to_string(*item.Interval());
    default:
      return HexEncode(item.value);
  }
}

void Dump(TtlvReader reader, int depth, bool hide, std::string& out) {
  const std::string indent(2 * static_cast<size_t>(depth), ' ');
  while (!reader.AtEnd()) {
    const Result<TtlvItem> item = reader.Take();
    if (!item) {
      out += indent + "(" + item.error().message() + ")\n";
      return;
    }
    const bool hide_inside = hide || HidesAllInside(item->tag);
    const bool hidden = hide_inside || MayBeSecret(*item);
    out += indent + KmipTagName(item->tag);
    if (item->type == TtlvType::kStructure && depth < kMaxTtlvDepth) {
      out += '\n';
      Dump(TtlvReader(item->value), depth + 1, hide_inside, out);
      continue;
    }
    out += std::string(" ") + kTypeNames[static_cast<size_t>(item->type)] + ' ';
    out += hidden ? "(" + std::to_string(item->value.size()) + " bytes hidden)"
                  : ValueText(*item);
    out += '\n';
  }
}

}  // namespace

std::string DumpTtlv(ByteView message) {
  std::string out;
  Dump(TtlvReader(message), 0, false, out);
  return out;
}

}  // namespace openkeyring
