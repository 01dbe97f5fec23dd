// SPDX-License-Identifier: MIT
#include "kmip/ttlv_writer.h"

#include <array>
#include <utility>

namespace openkeyring {
namespace {

template <size_t size>
std::array<uint8_t, size> BigEndian(uint64_t value) {
  std::array<uint8_t, size> bytes;
  for (size_t i = 0; i < size; ++i) {
    bytes[size - 1 - i] = static_cast<uint8_t>(value >> (8 * i));
  }
  return bytes;
}

}  // namespace

void TtlvWriter::Integer(KmipTag tag, int32_t value) {
  Number(tag, TtlvType::kInteger, static_cast<uint32_t>(value));
}

void TtlvWriter::LongInteger(KmipTag tag, int64_t value) {
  LongNumber(tag, TtlvType::kLongInteger, static_cast<uint64_t>(value));
}

void TtlvWriter::Boolean(KmipTag tag, bool value) {
  LongNumber(tag, TtlvType::kBoolean, value ? 1 : 0);
}

void TtlvWriter::Text(KmipTag tag, std::string_view value) {
  Value(tag, TtlvType::kTextString, AsBytes(value));
}

void TtlvWriter::ByteString(KmipTag tag, ByteView value) {
  Value(tag, TtlvType::kByteString, value);
}

void TtlvWriter::BigInteger(KmipTag tag, ByteView value) {
  Value(tag, TtlvType::kBigInteger, value);
}

void TtlvWriter::DateTime(KmipTag tag, KmipTime value) {
  LongNumber(tag, TtlvType::kDateTime,
             static_cast<uint64_t>(value.time_since_epoch().count()));
}

void TtlvWriter::Interval(KmipTag tag, uint32_t seconds) {
  Number(tag, TtlvType::kInterval, seconds);
}

Secret TtlvWriter::Finish() { return std::exchange(bytes_, Secret()); }

void TtlvWriter::Head(KmipTag tag, TtlvType type, size_t size) {
  bytes_.Append(BigEndian<4>(static_cast<uint64_t>(tag) << 8 |
                             static_cast<uint8_t>(type)));
  bytes_.Append(BigEndian<4>(size));
}

void TtlvWriter::Value(KmipTag tag, TtlvType type, ByteView value) {
  Head(tag, type, value.size());
  bytes_.Append(value);
  Pad();
}

void TtlvWriter::Number(KmipTag tag, TtlvType type, uint32_t value) {
  Value(tag, type, BigEndian<4>(value));
}

void TtlvWriter::LongNumber(KmipTag tag, TtlvType type, uint64_t value) {
  Value(tag, type, BigEndian<8>(value));
}

void TtlvWriter::Pad() {
  constexpr uint8_t kZeros[7] = {};
  const size_t over = bytes_.size() % 8;
  if (over != 0) bytes_.Append(ByteView(kZeros).first(8 - over));
}

TtlvStructure::TtlvStructure(TtlvWriter& writer, KmipTag tag)
    : writer_(writer), start_(writer.bytes_.size()) {
  writer_.Head(tag, TtlvType::kStructure, 0);
}

TtlvStructure::~TtlvStructure() {
  const std::span<uint8_t> bytes = writer_.bytes_.RevealMutable();
  const auto size =
      BigEndian<4>(writer_.bytes_.size() - start_ - kTtlvHeadSize);
  std::copy(size.begin(), size.end(), bytes.begin() + start_ + 4);
}

}  // namespace openkeyring
