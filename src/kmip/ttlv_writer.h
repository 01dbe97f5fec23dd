// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_TTLV_WRITER_H_
#define OPENKEYRING_KMIP_TTLV_WRITER_H_

#include <string_view>

#include "base/secret.h"
#include "kmip/ttlv_reader.h"

namespace openkeyring {

// Builds a message, straight into a Secret because key material passes through.
// Values go out as given: lengths beyond 4 GiB are the caller's bug.
class TtlvWriter {
 public:
  void Integer(KmipTag tag, int32_t value);
  void LongInteger(KmipTag tag, int64_t value);
  void Boolean(KmipTag tag, bool value);
  void Text(KmipTag tag, std::string_view value);
  void ByteString(KmipTag tag, ByteView value);
  // Two's complement, a multiple of 8 bytes.
  void BigInteger(KmipTag tag, ByteView value);
  void DateTime(KmipTag tag, KmipTime value);
  void Interval(KmipTag tag, uint32_t seconds);
  // An enumeration of ours, or a plain uint32_t.
  template <typename Enum>
  void Enumeration(KmipTag tag, Enum value) {
    Number(tag, TtlvType::kEnumeration, static_cast<uint32_t>(value));
  }
  // An item as it was read.
  void Item(const TtlvItem& item) { Value(item.tag, item.type, item.value); }

  // The message so far; empties the writer.
  Secret Finish();

 private:
  friend class TtlvStructure;
  void Head(KmipTag tag, TtlvType type, size_t size);
  void Value(KmipTag tag, TtlvType type, ByteView value);
  void Number(KmipTag tag, TtlvType type, uint32_t value);
  void LongNumber(KmipTag tag, TtlvType type, uint64_t value);
  void Pad();

  Secret bytes_;
};

// A structure that contains what is written during this object's life.
class TtlvStructure {
 public:
  TtlvStructure(TtlvWriter& writer, KmipTag tag);
  TtlvStructure(const TtlvStructure&) = delete;
  TtlvStructure& operator=(const TtlvStructure&) = delete;
  ~TtlvStructure();

 private:
  TtlvWriter& writer_;
  const size_t start_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_TTLV_WRITER_H_
