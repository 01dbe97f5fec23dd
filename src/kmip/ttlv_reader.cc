// SPDX-License-Identifier: MIT
#include "kmip/ttlv_reader.h"

#include <algorithm>

#include "base/byte_codec.h"

namespace openkeyring {
namespace {

Status Corrupt(std::string text) {
  return {StatusCode::kCorrupt, "KMIP: " + std::move(text)};
}

constexpr size_t Padded(size_t size) { return (size + 7) / 8 * 8; }

struct Head {
  KmipTag tag{};
  TtlvType type{};
  size_t size = 0;
};

Result<Head> ReadHead(ByteView bytes) {
  ByteReader reader(bytes);
  uint32_t tag_and_type = 0;
  uint32_t size = 0;
  if (!reader.TakeNumber(tag_and_type) || !reader.TakeNumber(size)) {
    return Corrupt("the message ends in the head of an item");
  }
  return Head{static_cast<KmipTag>(tag_and_type >> 8),
              static_cast<TtlvType>(tag_and_type & 0xFF), size};
}

// The only size that values of the type have; 0 when they have many.
size_t FixedSize(TtlvType type) {
  switch (type) {
    case TtlvType::kInteger:
    case TtlvType::kEnumeration:
    case TtlvType::kInterval:
      return 4;
    case TtlvType::kLongInteger:
    case TtlvType::kBoolean:
    case TtlvType::kDateTime:
    case TtlvType::kDateTimeExtended:
      return 8;
    default:
      return 0;
  }
}

bool IsKnown(TtlvType type) {
  return type >= TtlvType::kStructure && type <= TtlvType::kDateTimeExtended;
}

bool SizeFits(TtlvType type, size_t size) {
  if (const size_t fixed = FixedSize(type); fixed != 0) return size == fixed;
  if (type == TtlvType::kStructure) return size % 8 == 0;
  if (type == TtlvType::kBigInteger) return size % 8 == 0 && size > 0;
  return true;
}

uint64_t Number(ByteView value) {
  uint64_t number = 0;
  for (const uint8_t byte : value) number = number << 8 | byte;
  return number;
}

Status WrongType(const TtlvItem& item, const char* wanted) {
  return Corrupt(KmipTagName(item.tag) + " is not of type " + wanted);
}

Status CheckFrom(TtlvReader reader, int depth) {
  if (depth > kMaxTtlvDepth) return Corrupt("structures are nested too deep");
  while (!reader.AtEnd()) {
    const Result<TtlvItem> item = reader.Take();
    if (!item) return item.error();
    if (item->type != TtlvType::kStructure) continue;
    Status inside = CheckFrom(TtlvReader(item->value), depth + 1);
    if (!inside.ok()) return inside;
  }
  return Status::Ok();
}

}  // namespace

Result<TtlvItem> TtlvReader::Take() {
  const Result<Head> head = ReadHead(rest_);
  if (!head) return head.error();
  const std::string name = KmipTagName(head->tag);
  if (!IsKnown(head->type)) return Corrupt(name + " has an unknown type");
  if (!SizeFits(head->type, head->size)) {
    return Corrupt(name + " has a length that its type does not have");
  }
  ByteView after = rest_.subspan(kTtlvHeadSize);
  if (after.size() < Padded(head->size)) {
    return Corrupt(name + " is longer than what holds it");
  }
  const ByteView value = after.first(head->size);
  const ByteView padding = after.first(Padded(head->size)).subspan(head->size);
  if (std::ranges::any_of(padding, [](uint8_t b) { return b != 0; })) {
    return Corrupt(name + " has padding that is not zero");
  }
  if (head->type == TtlvType::kBoolean && Number(value) > 1) {
    return Corrupt(name + " is a boolean that is neither 0 nor 1");
  }
  rest_ = after.subspan(Padded(head->size));
  return TtlvItem{head->tag, head->type, value};
}

Result<TtlvItem> TtlvReader::Take(KmipTag tag) {
  TtlvReader ahead = *this;
  Result<TtlvItem> item = ahead.Take();
  if (!item) return item;
  if (item->tag != tag) {
    return Corrupt("found " + KmipTagName(item->tag) + " where " +
                   KmipTagName(tag) + " must be");
  }
  *this = ahead;
  return item;
}

std::optional<TtlvItem> TtlvReader::Find(KmipTag tag) const {
  TtlvReader ahead = *this;
  while (!ahead.AtEnd()) {
    const Result<TtlvItem> item = ahead.Take();
    if (!item) return std::nullopt;
    if (item->tag == tag) return *item;
  }
  return std::nullopt;
}

Result<TtlvReader> TtlvItem::Structure() const {
  if (type != TtlvType::kStructure) return WrongType(*this, "Structure");
  return TtlvReader(value);
}

Result<int32_t> TtlvItem::Integer() const {
  if (type != TtlvType::kInteger) return WrongType(*this, "Integer");
  return static_cast<int32_t>(Number(value));
}

Result<int64_t> TtlvItem::LongInteger() const {
  if (type != TtlvType::kLongInteger) return WrongType(*this, "Long Integer");
  return static_cast<int64_t>(Number(value));
}

Result<uint32_t> TtlvItem::Enumeration() const {
  if (type != TtlvType::kEnumeration) return WrongType(*this, "Enumeration");
  return static_cast<uint32_t>(Number(value));
}

Result<bool> TtlvItem::Boolean() const {
  if (type != TtlvType::kBoolean) return WrongType(*this, "Boolean");
  return Number(value) != 0;
}

Result<std::string> TtlvItem::Text() const {
  if (type != TtlvType::kTextString) return WrongType(*this, "Text String");
  return std::string(AsText(value));
}

Result<ByteView> TtlvItem::ByteString() const {
  if (type != TtlvType::kByteString) return WrongType(*this, "Byte String");
  return value;
}

Result<ByteView> TtlvItem::BigInteger() const {
  if (type != TtlvType::kBigInteger) return WrongType(*this, "Big Integer");
  return value;
}

Result<KmipTime> TtlvItem::DateTime() const {
  const auto number = static_cast<int64_t>(Number(value));
  if (type == TtlvType::kDateTime) {
    return KmipTime(std::chrono::seconds(number));
  }
  if (type != TtlvType::kDateTimeExtended) return WrongType(*this, "Date-Time");
  return KmipTime(std::chrono::floor<std::chrono::seconds>(
      std::chrono::microseconds(number)));
}

Result<uint32_t> TtlvItem::Interval() const {
  if (type != TtlvType::kInterval) return WrongType(*this, "Interval");
  return static_cast<uint32_t>(Number(value));
}

Status CheckTtlv(ByteView message) {
  TtlvReader reader(message);
  const Result<TtlvItem> whole = reader.Take();
  if (!whole) return whole.error();
  if (!reader.AtEnd()) return Corrupt("something follows the message");
  return CheckFrom(TtlvReader(message), 0);
}

Result<size_t> TtlvMessageSize(ByteView head, KmipTag tag, size_t max) {
  const Result<Head> read = ReadHead(head);
  if (!read) return read.error();
  if (read->tag != tag || read->type != TtlvType::kStructure ||
      read->size % 8 != 0) {
    return Corrupt("what came is not a " + KmipTagName(tag));
  }
  if (read->size > max) {
    return Corrupt(KmipTagName(tag) + " of " + std::to_string(read->size) +
                   " bytes is larger than allowed (" + std::to_string(max) +
                   ")");
  }
  return kTtlvHeadSize + read->size;
}

}  // namespace openkeyring
