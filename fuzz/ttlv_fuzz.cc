// SPDX-License-Identifier: MIT
// TTLV: what CheckTtlv accepts is written again to the same bytes, item by item
// through the typed methods, and a dump neither leaks nor fails.
#include <string>

#include "fuzz/check.h"
#include "kmip/ttlv_fields.h"
#include "kmip/ttlv_reader.h"
#include "kmip/ttlv_writer.h"
#include "testing/ttlv_dump.h"

using namespace openkeyring;

namespace {

void Copy(TtlvReader reader, TtlvWriter& writer);

void CopyItem(const TtlvItem& item, TtlvWriter& writer) {
  switch (item.type) {
    case TtlvType::kStructure: {
      const TtlvStructure structure(writer, item.tag);
      return Copy(*item.Structure(), writer);
    }
    case TtlvType::kInteger:
      return writer.Integer(item.tag, *item.Integer());
    case TtlvType::kLongInteger:
      return writer.LongInteger(item.tag, *item.LongInteger());
    case TtlvType::kBigInteger:
      return writer.BigInteger(item.tag, *item.BigInteger());
    case TtlvType::kEnumeration:
      return writer.Enumeration(item.tag, *item.Enumeration());
    case TtlvType::kBoolean:
      return writer.Boolean(item.tag, *item.Boolean());
    case TtlvType::kTextString:
      return writer.Text(item.tag, *item.Text());
    case TtlvType::kByteString:
      return writer.ByteString(item.tag, *item.ByteString());
    case TtlvType::kDateTime:
      return writer.DateTime(item.tag, *item.DateTime());
    case TtlvType::kInterval:
      return writer.Interval(item.tag, *item.Interval());
    case TtlvType::kDateTimeExtended:
      (void)*item.DateTime();
      return writer.Item(item);
  }
  Check(false, "the reader gives out known types only");
}

void Copy(TtlvReader reader, TtlvWriter& writer) {
  while (!reader.AtEnd()) {
    const size_t before = reader.rest().size();
    const Result<TtlvItem> item = reader.Take();
    Check(item.has_value(), "CheckTtlv saw all faults");
    Check(reader.rest().size() < before, "reading moves on");
    CopyItem(*item, writer);
  }
}

void CheckReader(ByteView bytes) {
  TtlvReader reader(bytes);
  const Result<TtlvItem> item = reader.Take();
  if (!item) {
    Check(reader.rest().size() == bytes.size(), "no advance on failure");
    Check(item.error().code() == StatusCode::kCorrupt, "its code");
    Check(IsPrintable(item.error().message()), "fit for a log");
    Check(!CheckTtlv(bytes).ok(), "both see it");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(data, size);
  CheckReader(bytes);
  std::string dump = DumpTtlv(bytes);
  std::erase(dump, '\n');
  Check(IsPrintable(dump), "a dump is for people");
  const Result<size_t> whole =
      TtlvMessageSize(bytes, KmipTag::kResponseMessage, 1 << 20);
  if (!CheckTtlv(bytes).ok()) return 0;
  Check(!whole || *whole == size, "the frame is the message");
  TtlvWriter writer;
  Copy(TtlvReader(bytes), writer);
  Check(writer.Finish().Equals(Secret::CopyOf(bytes)), "round trip");
  return 0;
}
