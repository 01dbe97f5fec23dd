// SPDX-License-Identifier: MIT
// Answers of a KMIP server, payloads of all operations included: read or
// refused; an error has one of its codes and is fit for a log.
#include <algorithm>

#include "fuzz/check.h"
#include "kmip/messages.h"
#include "kmip/operations/discover_versions.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/identified.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/query.h"

using namespace openkeyring;

namespace {

void CheckError(const Status& status) {
  if (status.ok()) return;
  Check(status.code() != StatusCode::kNotFound, "never by a broken answer");
  Check(!status.IsTransient(), "would be the same again");
  Check(IsPrintable(status.message()), "fit for a log");
}

// What was read is written in both frames and read again.
void CheckAttributes(const KmipAttributes& read) {
  for (const KmipVersion version : {KmipVersion{1, 4}, KmipVersion{2, 1}}) {
    KmipAttributes source = read;
    // "x-a" of a vendor "x-y" cannot be told apart in 1.x.
    if (!version.HasTypedAttributes()) {
      std::erase_if(source.vendor_attributes, [](const auto& custom) {
        return custom.vendor != "x" && custom.vendor != "y";
      });
    }
    TtlvWriter writer;
    WriteKmipAttributes(writer, version, source);
    const Secret bytes = writer.Finish();
    const auto again = ReadKmipAttributes(TtlvReader(bytes.RevealBytes()));
    Check(again && *again == source, "attributes round trip");
  }
}

void CheckObject(const KmipObject& object) {
  KmipObject source;
  source.type = object.type;
  source.value = object.value.Clone();
  source.format = object.format;
  source.algorithm = object.algorithm;
  source.length = object.length;
  TtlvWriter writer;
  WriteKmipObject(writer, source);
  const Secret bytes = writer.Finish();
  const auto again =
      ReadKmipObject(TtlvReader(bytes.RevealBytes()), object.type);
  Check(again && again->value.Equals(object.value) &&
            again->length == object.length,
        "objects round trip");
}

void CheckPayload(TtlvReader payload) {
  CheckError(ReadKmipIdentifier(payload).status());
  CheckError(ReadDiscoverVersions(payload).status());
  CheckError(ReadQuery(payload).status());
  CheckError(ReadLocate(payload).status());
  const auto attributes = ReadGetAttributes(payload);
  CheckError(attributes.status());
  if (attributes) CheckAttributes(*attributes);
  const auto object = ReadGet(payload);
  CheckError(object.status());
  if (object) CheckObject(object->object);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(data, size);
  CheckPayload(TtlvReader(bytes));
  const auto response = ReadKmipResponse(bytes);
  if (!response) {
    Check(response.error().code() == StatusCode::kCorrupt, "its code");
    return 0;
  }
  Check(CheckTtlv(bytes).ok(), "only sound messages are read");
  KmipResponse matched = *response;
  const std::vector<KmipCall> calls(response->items.size(), MakeGet("1"));
  if (MatchKmipResponse({{1, 4}, 0, 1}, calls, matched) == KmipFit::kAnswers) {
    for (const KmipResponseItem& item : matched.items) {
      if (item.status != KmipResultStatus::kSuccess) continue;
      Check(*ReadKmipIdentifier(item.payload) == "1", "only its own answer");
    }
  }
  for (const KmipResponseItem& item : response->items) {
    const Status status = KmipItemStatus(KmipOperation::kLocate, item);
    Check(status.ok() == (item.status == KmipResultStatus::kSuccess),
          "only success is success");
    Check(status.code() != StatusCode::kNotFound, "Locate names no object");
    Check(IsPrintable(status.message()), "fit for a log");
    (void)IsVersionRefusal(item);
    CheckPayload(item.payload);
  }
  return 0;
}
