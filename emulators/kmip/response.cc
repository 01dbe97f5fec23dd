// SPDX-License-Identifier: MIT
#include "emulators/kmip/response.h"

#include "base/byte_codec.h"

namespace kmip_server {

using openkeyring::Bytes;
using openkeyring::KmipResultStatus;
using openkeyring::KmipTag;
using openkeyring::Secret;
using openkeyring::TtlvItem;
using openkeyring::TtlvStructure;

namespace {

constexpr auto kExtension = static_cast<KmipTag>(0x540001);

void WriteHeader(TtlvWriter& out, KmipVersion version, size_t count) {
  const TtlvStructure header(out, KmipTag::kResponseHeader);
  {
    const TtlvStructure structure(out, KmipTag::kProtocolVersion);
    out.Integer(KmipTag::kProtocolVersionMajor, version.major);
    out.Integer(KmipTag::kProtocolVersionMinor, version.minor);
  }
  out.DateTime(KmipTag::kTimeStamp, std::chrono::floor<std::chrono::seconds>(
                                        openkeyring::SystemClock().Now()));
  out.Integer(KmipTag::kBatchCount, static_cast<int32_t>(count));
}

void WriteFailure(TtlvWriter& out, KmipResultReason reason,
                  const std::string& message) {
  out.Enumeration(KmipTag::kResultStatus, KmipResultStatus::kOperationFailed);
  out.Enumeration(KmipTag::kResultReason, reason);
  out.Text(KmipTag::kResultMessage, message);
}

}  // namespace

Secret WholeFailure(KmipVersion version, KmipResultReason reason,
                    const std::string& message) {
  TtlvWriter out;
  {
    const TtlvStructure whole(out, KmipTag::kResponseMessage);
    WriteHeader(out, version, 1);
    const TtlvStructure item(out, KmipTag::kBatchItem);
    WriteFailure(out, reason, message);
  }
  return out.Finish();
}

ResponseWriter::ResponseWriter(KmipVersion version, const Behaviour& behaviour,
                               const Fault& fault, size_t asked)
    : version_(version), behaviour_(behaviour), fault_(fault), asked_(asked) {}

bool ResponseWriter::WantsMore() const {
  if (fault_.kind == "empty") return false;
  return fault_.kind != "short_batch" ||
         count_ < static_cast<size_t>(fault_.items);
}

void ResponseWriter::WriteIds(TtlvWriter& out, const RequestItem& item) const {
  if (behaviour_.omits_batch_ids || fault_.kind == "no_batch_ids") return;
  out.Enumeration(KmipTag::kOperation, fault_.kind == "wrong_operation"
                                           ? KmipOperation::kDestroy
                                           : item.operation);
  if (!item.batch_id) return;
  Bytes id(item.batch_id->begin(), item.batch_id->end());
  if (fault_.kind == "wrong_ids")
    id.back() = static_cast<uint8_t>(id.back() + 100);
  out.ByteString(KmipTag::kUniqueBatchItemID, id);
}

void ResponseWriter::Add(const RequestItem& item, const Outcome& outcome) {
  if (++count_ == 1 && fault_.kind == "drop_first") return;
  const TtlvStructure structure(items_, KmipTag::kBatchItem);
  WriteIds(items_, item);
  if (outcome.failure) {
    return WriteFailure(items_, *outcome.failure, outcome.message);
  }
  items_.Enumeration(KmipTag::kResultStatus,
                     fault_.kind == "pending"
                         ? KmipResultStatus::kOperationPending
                         : KmipResultStatus::kSuccess);
  {
    const TtlvStructure payload(items_, KmipTag::kResponsePayload);
    outcome.payload(items_);
    if (behaviour_.extensions) items_.Text(kExtension, "its own");
  }
  if (behaviour_.extensions) items_.Integer(kExtension, 1);
}

Secret ResponseWriter::Finish() {
  const Secret items = items_.Finish();
  TtlvWriter out;
  {
    const TtlvStructure whole(out, KmipTag::kResponseMessage);
    const bool asked =
        behaviour_.exaggerates_batch_count || fault_.kind == "short_batch";
    WriteHeader(
        out, version_,
        asked ? asked_ + (behaviour_.exaggerates_batch_count ? 1 : 0) : count_);
    openkeyring::TtlvReader reader(items.RevealBytes());
    while (!reader.AtEnd()) out.Item(*reader.Take());
  }
  return out.Finish();
}

}  // namespace kmip_server
