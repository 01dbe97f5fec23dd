// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_TTLV_FIELDS_H_
#define OPENKEYRING_KMIP_TTLV_FIELDS_H_

#include <optional>
#include <string>

#include "kmip/ttlv_reader.h"

namespace openkeyring {

// Reads the fields of one structure by their tags, whatever their order and
// whatever else is there: servers leave out, add and reorder. A field that is
// missing, or of a wrong type, makes the value zero or empty and is remembered
// as status(), kCorrupt, so that one check at the end is enough:
//
//   TtlvFields fields(payload);
//   answer.id = fields.Text(KmipTag::kUniqueIdentifier);
//   if (!fields.status().ok()) return fields.status();
class TtlvFields {
 public:
  explicit TtlvFields(TtlvReader content) : content_(content) {}

  std::string Text(KmipTag tag) { return Required(tag, &TtlvItem::Text); }
  int32_t Integer(KmipTag tag) { return Required(tag, &TtlvItem::Integer); }
  ByteView ByteString(KmipTag tag) {
    return Required(tag, &TtlvItem::ByteString);
  }
  TtlvReader Structure(KmipTag tag) {
    return Required(tag, &TtlvItem::Structure);
  }
  template <typename Enum>
  Enum Enumeration(KmipTag tag) {
    return static_cast<Enum>(Required(tag, &TtlvItem::Enumeration));
  }

  // Nothing when the field is missing.
  std::optional<std::string> OptionalText(KmipTag tag) {
    return Optional(tag, &TtlvItem::Text);
  }
  std::optional<int32_t> OptionalInteger(KmipTag tag) {
    return Optional(tag, &TtlvItem::Integer);
  }
  std::optional<ByteView> OptionalByteString(KmipTag tag) {
    return Optional(tag, &TtlvItem::ByteString);
  }
  std::optional<TtlvReader> OptionalStructure(KmipTag tag) {
    return Optional(tag, &TtlvItem::Structure);
  }
  template <typename Enum>
  std::optional<Enum> OptionalEnumeration(KmipTag tag) {
    const auto number = Optional(tag, &TtlvItem::Enumeration);
    if (!number) return std::nullopt;
    return static_cast<Enum>(*number);
  }

  // The first thing that was wrong.
  const Status& status() const { return status_; }

 private:
  template <typename T>
  std::optional<T> Optional(KmipTag tag, Result<T> (TtlvItem::*as)() const) {
    const std::optional<TtlvItem> item = content_.Find(tag);
    if (!item) return std::nullopt;
    Result<T> value = ((*item).*as)();
    if (value) return *std::move(value);
    Remember(value.error());
    return std::nullopt;
  }
  template <typename T>
  T Required(KmipTag tag, Result<T> (TtlvItem::*as)() const) {
    std::optional<T> value = Optional(tag, as);
    if (value) return *std::move(value);
    Remember(
        {StatusCode::kCorrupt, "KMIP: " + KmipTagName(tag) + " is missing"});
    return T();
  }
  void Remember(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  TtlvReader content_;
  Status status_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_TTLV_FIELDS_H_
