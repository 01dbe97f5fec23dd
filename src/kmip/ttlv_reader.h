// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_TTLV_READER_H_
#define OPENKEYRING_KMIP_TTLV_READER_H_

#include <chrono>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "kmip/tags.h"

namespace openkeyring {

// TTLV: tag (3 bytes), type (1), length of the value without padding (4), value
// padded with zeros to a multiple of 8. Big-endian. KMIP 1.4 section 9.1.
enum class TtlvType : uint8_t {
  kStructure = 0x01,
  kInteger = 0x02,
  kLongInteger = 0x03,
  kBigInteger = 0x04,
  kEnumeration = 0x05,
  kBoolean = 0x06,
  kTextString = 0x07,
  kByteString = 0x08,
  kDateTime = 0x09,          // Seconds since 1970.
  kInterval = 0x0A,          // Seconds.
  kDateTimeExtended = 0x0B,  // Since 2.0: microseconds since 1970.
};

constexpr size_t kTtlvHeadSize = 8;
// Deeper than any message; bounds recursion.
constexpr int kMaxTtlvDepth = 32;

using KmipTime = std::chrono::sys_seconds;

class TtlvReader;

// One item. Borrows from what it was read from. The methods give the value, or
// kCorrupt, with the tag's name, when the item is of another type.
struct TtlvItem {
  KmipTag tag{};
  TtlvType type{};
  ByteView value;  // Without padding.

  Result<TtlvReader> Structure() const;
  Result<int32_t> Integer() const;
  Result<int64_t> LongInteger() const;
  Result<uint32_t> Enumeration() const;
  Result<bool> Boolean() const;
  Result<std::string> Text() const;     // Any bytes: UTF-8 is not checked.
  Result<ByteView> ByteString() const;  // Borrows.
  Result<ByteView> BigInteger() const;  // Borrows; two's complement.
  Result<KmipTime> DateTime() const;    // Of the extended kind, the seconds.
  Result<uint32_t> Interval() const;
};

// Takes items from the front of borrowed bytes: the content of a structure, or
// a complete message. What does not fit its own rules (length, padding, a
// boolean of 2) is kCorrupt, and the reader stays where it was. Nothing is
// allocated by a length that was read. Cheap to copy.
class TtlvReader {
 public:
  TtlvReader() = default;
  explicit TtlvReader(ByteView bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }
  // The next item, whatever it is. At the end: kCorrupt.
  Result<TtlvItem> Take();
  // The next item, which must have this tag.
  Result<TtlvItem> Take(KmipTag tag);
  // The first item of that tag among the rest; nothing when there is none or
  // the bytes before it are broken (CheckTtlv tells).
  std::optional<TtlvItem> Find(KmipTag tag) const;

  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

// Ok when `message` is exactly one item, sound to its leaves and not too deep.
// After that, readers on it fail only by a missing or mistyped item.
Status CheckTtlv(ByteView message);

// The size of a complete message from its head, of at least kTtlvHeadSize
// bytes; kCorrupt when it is not a structure of that tag, or is larger than
// `max`.
Result<size_t> TtlvMessageSize(ByteView head, KmipTag tag, size_t max);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_TTLV_READER_H_
