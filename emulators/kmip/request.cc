// SPDX-License-Identifier: MIT
#include "emulators/kmip/request.h"

#include "kmip/ttlv_fields.h"

namespace kmip_server {

using openkeyring::KmipBatchError;
using openkeyring::KmipTag;
using openkeyring::Status;
using openkeyring::TtlvFields;
using openkeyring::TtlvItem;

namespace {

Status ReadHeader(TtlvReader content, Request& request) {
  TtlvFields header(content);
  TtlvFields version(header.Structure(KmipTag::kProtocolVersion));
  request.version.major = version.Integer(KmipTag::kProtocolVersionMajor);
  request.version.minor = version.Integer(KmipTag::kProtocolVersionMinor);
  request.max_response =
      header.OptionalInteger(KmipTag::kMaximumResponseSize).value_or(0);
  request.stops_at_failure =
      header
          .OptionalEnumeration<KmipBatchError>(
              KmipTag::kBatchErrorContinuationOption)
          .value_or(KmipBatchError::kStop) != KmipBatchError::kContinue;
  if (!version.status().ok()) return version.status();
  return header.status();
}

}  // namespace

Result<Request> ReadRequest(ByteView message) {
  Status sound = openkeyring::CheckTtlv(message);
  if (!sound.ok()) return sound;
  TtlvFields whole{TtlvReader(message)};
  TtlvReader content = whole.Structure(KmipTag::kRequestMessage);
  TtlvFields fields(content);
  const TtlvReader header = fields.Structure(KmipTag::kRequestHeader);
  if (!whole.status().ok()) return whole.status();
  if (!fields.status().ok()) return fields.status();
  Request request;
  Status status = ReadHeader(header, request);
  if (!status.ok()) return status;
  while (!content.AtEnd()) {
    const Result<TtlvItem> next = content.Take();
    if (!next) return next.error();
    if (next->tag != KmipTag::kBatchItem) continue;
    TtlvFields item(next->Structure().value_or(TtlvReader()));
    RequestItem& read = request.items.emplace_back();
    read.operation = item.Enumeration<KmipOperation>(KmipTag::kOperation);
    read.batch_id = item.OptionalByteString(KmipTag::kUniqueBatchItemID);
    read.payload = item.Structure(KmipTag::kRequestPayload);
    if (!item.status().ok()) return item.status();
  }
  return request;
}

}  // namespace kmip_server
