// SPDX-License-Identifier: MIT
#include "kmip/messages.h"

#include <utility>

#include "base/byte_codec.h"
#include "base/encoding.h"
#include "kmip/ttlv_fields.h"

namespace openkeyring {
namespace {

void WriteVersion(TtlvWriter& writer, KmipVersion version) {
  const TtlvStructure structure(writer, KmipTag::kProtocolVersion);
  writer.Integer(KmipTag::kProtocolVersionMajor, version.major);
  writer.Integer(KmipTag::kProtocolVersionMinor, version.minor);
}

void WriteHeader(TtlvWriter& writer, const KmipRequestOptions& options,
                 size_t items) {
  const TtlvStructure header(writer, KmipTag::kRequestHeader);
  WriteVersion(writer, options.version);
  if (options.max_response_size > 0) {
    writer.Integer(KmipTag::kMaximumResponseSize, options.max_response_size);
  }
  if (items > 1) {
    writer.Enumeration(KmipTag::kBatchErrorContinuationOption,
                       KmipBatchError::kContinue);
    writer.Boolean(KmipTag::kBatchOrderOption, true);
  }
  writer.Integer(KmipTag::kBatchCount, static_cast<int32_t>(items));
}

void WriteItem(TtlvWriter& writer, const KmipRequestOptions& options,
               const KmipCall& call, size_t place) {
  const TtlvStructure item(writer, KmipTag::kBatchItem);
  writer.Enumeration(KmipTag::kOperation, call.operation);
  if (options.first_item) {
    Bytes id;
    PutNumber(id, static_cast<uint32_t>(*options.first_item + place));
    writer.ByteString(KmipTag::kUniqueBatchItemID, id);
  }
  const TtlvStructure payload(writer, KmipTag::kRequestPayload);
  call.write(writer, options.version);
}

Result<KmipResponseItem> ReadItem(TtlvReader content) {
  TtlvFields fields(content);
  KmipResponseItem item;
  item.operation =
      fields.OptionalEnumeration<KmipOperation>(KmipTag::kOperation);
  item.batch_item = fields.OptionalByteString(KmipTag::kUniqueBatchItemID);
  item.status = fields.Enumeration<KmipResultStatus>(KmipTag::kResultStatus);
  item.reason =
      fields.OptionalEnumeration<KmipResultReason>(KmipTag::kResultReason);
  item.message = fields.OptionalText(KmipTag::kResultMessage).value_or("");
  item.payload = fields.OptionalStructure(KmipTag::kResponsePayload)
                     .value_or(TtlvReader());
  if (!fields.status().ok()) return fields.status();
  return item;
}

Status ReadHeader(TtlvReader content, KmipVersion& version) {
  TtlvFields header(content);
  TtlvFields fields(header.Structure(KmipTag::kProtocolVersion));
  if (!header.status().ok()) return header.status();
  version.major = fields.Integer(KmipTag::kProtocolVersionMajor);
  version.minor = fields.Integer(KmipTag::kProtocolVersionMinor);
  return fields.status();
}

// Operations that ask for one object by its identifier.
bool NamesObject(KmipOperation operation) {
  switch (operation) {
    case KmipOperation::kGet:
    case KmipOperation::kGetAttributes:
    case KmipOperation::kAddAttribute:
    case KmipOperation::kActivate:
    case KmipOperation::kRevoke:
    case KmipOperation::kDestroy:
      return true;
    default:
      return false;
  }
}

StatusCode CodeOf(bool names_object, KmipResultReason reason) {
  switch (reason) {
    case KmipResultReason::kItemNotFound:
    case KmipResultReason::kObjectNotFound:
    case KmipResultReason::kObjectDestroyed:
      return names_object ? StatusCode::kNotFound
                          : StatusCode::kInvalidArgument;
    case KmipResultReason::kObjectAlreadyExists:
    case KmipResultReason::kNonUniqueNameAttribute:
      return StatusCode::kAlreadyExists;
    case KmipResultReason::kAuthenticationNotSuccessful:
    case KmipResultReason::kPermissionDenied:
    case KmipResultReason::kAttestationRequired:
    case KmipResultReason::kAttestationFailed:
    case KmipResultReason::kSensitive:
    case KmipResultReason::kNotExtractable:
    case KmipResultReason::kInvalidTicket:
    case KmipResultReason::kUsageLimitExceeded:
    case KmipResultReason::kNotAuthorised:
      return StatusCode::kDenied;
    case KmipResultReason::kOperationNotSupported:
    case KmipResultReason::kFeatureNotSupported:
    case KmipResultReason::kApplicationNamespaceNotSupported:
    case KmipResultReason::kUnsupportedProtocolVersion:
    case KmipResultReason::kObjectArchived:
      return StatusCode::kMisconfigured;
    case KmipResultReason::kOperationCanceledByRequester:
    case KmipResultReason::kCryptographicFailure:
    case KmipResultReason::kInternalServerError:
    case KmipResultReason::kServerLimitExceeded:
    case KmipResultReason::kGeneralFailure:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kInvalidArgument;
  }
}

std::string Folded(std::string_view text) {
  constexpr size_t kMost = 300;
  std::string out;
  for (const char c : text.substr(0, kMost)) {
    out += c >= ' ' && c < 0x7f ? c : '?';
  }
  return out.empty() ? "" : ": " + out + (text.size() > kMost ? "..." : "");
}

// The call that an item answers; nothing when it answers none.
std::optional<size_t> PlaceOf(const KmipResponseItem& item, size_t position,
                              const KmipRequestOptions& options, size_t calls) {
  if (!item.batch_item || !options.first_item) return position;
  ByteReader reader(*item.batch_item);
  uint32_t number = 0;
  if (item.batch_item->size() != sizeof number || !reader.TakeNumber(number)) {
    return std::nullopt;
  }
  const uint32_t place = number - *options.first_item;  // It may wrap.
  return place < calls ? std::optional<size_t>(place) : std::nullopt;
}

bool Answers(const KmipResponseItem& item, const KmipCall& call) {
  if (item.operation && *item.operation != call.operation) {
    return false;
  }
  if (item.status != KmipResultStatus::kSuccess || call.object_id.empty()) {
    return true;
  }
  TtlvFields fields(item.payload);
  return fields.OptionalText(KmipTag::kUniqueIdentifier) == call.object_id;
}

}  // namespace

Secret WriteKmipRequest(const KmipRequestOptions& options,
                        std::span<const KmipCall> calls) {
  TtlvWriter writer;
  {
    const TtlvStructure message(writer, KmipTag::kRequestMessage);
    WriteHeader(writer, options, calls.size());
    for (size_t place = 0; place < calls.size(); ++place) {
      WriteItem(writer, options, calls[place], place);
    }
  }
  return writer.Finish();
}

Result<KmipResponse> ReadKmipResponse(ByteView message) {
  Status sound = CheckTtlv(message);
  if (!sound.ok()) return sound;
  const Result<TtlvItem> whole =
      TtlvReader(message).Take(KmipTag::kResponseMessage);
  if (!whole) return whole.error();
  Result<TtlvReader> content = whole->Structure();
  if (!content) return content.error();
  TtlvFields fields(*content);
  const TtlvReader header = fields.Structure(KmipTag::kResponseHeader);
  if (!fields.status().ok()) return fields.status();
  KmipResponse response;
  Status status = ReadHeader(header, response.version);
  if (!status.ok()) return status;
  while (!content->AtEnd()) {
    const Result<TtlvItem> next = content->Take();
    if (!next) return next.error();
    if (next->tag != KmipTag::kBatchItem) continue;
    const Result<TtlvReader> inside = next->Structure();
    if (!inside) return inside.error();
    Result<KmipResponseItem> item = ReadItem(*inside);
    if (!item) return item.error();
    response.items.push_back(std::move(*item));
  }
  return response;
}

KmipFit MatchKmipResponse(const KmipRequestOptions& options,
                          std::span<const KmipCall> calls,
                          KmipResponse& response) {
  std::vector<KmipResponseItem>& items = response.items;
  const bool is_refusal = items.size() == 1 && calls.size() > 1 &&
                          !items.front().batch_item &&
                          items.front().status != KmipResultStatus::kSuccess;
  if (is_refusal) return KmipFit::kRefusal;
  if (items.size() > calls.size()) return KmipFit::kForeign;
  if (items.size() < calls.size()) return KmipFit::kPartial;
  std::vector<std::optional<KmipResponseItem>> ordered(calls.size());
  for (size_t position = 0; position < items.size(); ++position) {
    const KmipResponseItem& item = items[position];
    const auto place = PlaceOf(item, position, options, calls.size());
    if (!place || ordered[*place] || !Answers(item, calls[*place])) {
      return KmipFit::kForeign;
    }
    ordered[*place] = item;
  }
  for (size_t i = 0; i < items.size(); ++i) items[i] = std::move(*ordered[i]);
  return KmipFit::kAnswers;
}

std::string KmipQuoted(std::string_view text) {
  constexpr size_t kMost = 128;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) {
    const bool is_plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
    out += is_plain ? std::string(1, c)
                    : "\\x" + HexEncode(AsBytes(std::string_view(&c, 1)));
  }
  return out + (text.size() > kMost ? "...\"" : "\"");
}

Status KmipItemStatus(KmipOperation asked, const KmipResponseItem& item) {
  const std::string name = "KMIP " + KmipName(asked);
  if (item.status == KmipResultStatus::kSuccess) return Status::Ok();
  if (item.status != KmipResultStatus::kOperationFailed) {
    return {StatusCode::kUnavailable,
            name + ": the server says " + KmipName(item.status)};
  }
  // Required with a failure, but not all servers send one.
  const KmipResultReason reason =
      item.reason.value_or(KmipResultReason::kGeneralFailure);
  return {CodeOf(NamesObject(asked), reason),
          name + ": " + KmipName(reason) + Folded(item.message)};
}

bool IsVersionRefusal(const KmipResponseItem& item) {
  if (item.status != KmipResultStatus::kOperationFailed || !item.reason) {
    return false;
  }
  if (*item.reason == KmipResultReason::kUnsupportedProtocolVersion) {
    return true;
  }
  // Before 2.0 there was no reason of its own. Of a message that was understood
  // the operation is known.
  return *item.reason == KmipResultReason::kInvalidMessage && !item.operation;
}

}  // namespace openkeyring
