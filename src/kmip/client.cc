// SPDX-License-Identifier: MIT
#include "kmip/client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {
namespace {

bool AllIdempotent(std::span<const KmipCall> calls) {
  return std::ranges::all_of(calls, &KmipCall::idempotent);
}

// The place of an answer in the batch, from 0; nothing when it has none.
std::optional<size_t> PlaceOf(const KmipResponseItem& item, size_t position,
                              size_t batch_size) {
  // Servers may leave the ids out; then the order counts.
  const size_t place = item.batch_item ? *item.batch_item - 1 : position;
  return place < batch_size ? std::optional(place) : std::nullopt;
}

}  // namespace

// One message and what is known of its calls.
struct KmipClient::Batch {
  std::vector<KmipCall> calls;
  std::vector<KmipReply*> replies;  // Of the same calls.
  KmipBatchError on_error = KmipBatchError::kContinue;
  bool may_split = true;
  bool asked_version_again = false;
  // Set by SendBatch:
  std::vector<size_t> again;  // Places of the calls that must be sent again.
  bool reached_nobody = false;

  // For a call that has no answer, though its request may have arrived.
  void Lost(size_t place, const Status& status) {
    KmipReply& reply = *replies[place];
    reply.status = status;
    reply.may_have_happened = !calls[place].idempotent;
  }
};

KmipClient::KmipClient(KmipClientOptions options, StreamConnector& connector,
                       Clock& clock, Log& log)
    : transport_(std::move(options), connector, clock, log) {}

std::vector<KmipReply> KmipClient::Call(std::span<const KmipCall> calls,
                                        const Deadline& deadline) {
  std::vector<KmipReply> replies(calls.size());
  std::vector<size_t> pending(calls.size());
  for (size_t i = 0; i < calls.size(); ++i) pending[i] = i;
  while (!pending.empty()) {
    const size_t server = transport_.servers().Order().front();
    const size_t count =
        std::min(pending.size(), transport_.servers().BatchLimit(server));
    Batch batch;
    for (size_t i = 0; i < count; ++i) {
      batch.calls.push_back(calls[pending[i]]);
      batch.replies.push_back(&replies[pending[i]]);
    }
    SendBatch(batch, deadline);
    std::vector<size_t> left;
    for (const size_t place : batch.again) left.push_back(pending[place]);
    left.insert(left.end(), pending.begin() + static_cast<ptrdiff_t>(count),
                pending.end());
    if (batch.reached_nobody) {
      // The rest would meet the same: asking once is enough.
      for (const size_t i : left) replies[i].status = batch.replies[0]->status;
      break;
    }
    pending = std::move(left);
  }
  return replies;
}

std::vector<KmipReply> KmipClient::CallTogether(std::span<const KmipCall> calls,
                                                const Deadline& deadline) {
  std::vector<KmipReply> replies(calls.size());
  Batch batch;
  batch.calls.assign(calls.begin(), calls.end());
  for (KmipReply& reply : replies) batch.replies.push_back(&reply);
  batch.on_error = KmipBatchError::kStop;
  batch.may_split = false;
  SendBatch(batch, deadline);
  return replies;
}

KmipChange KmipClient::Change(const KmipCall& call, const Deadline& deadline) {
  return KmipChangeOf(Call({&call, 1}, deadline).front());
}

KmipClientStatus KmipClient::status() {
  KmipClientStatus status;
  KmipServerList& servers = transport_.servers();
  if (const auto current = servers.current()) {
    status.server = servers.endpoint(*current).Text();
    const auto version = transport_.options().version
                             ? transport_.options().version
                             : servers.Version(*current);
    if (version) status.version = version->Text();
  }
  status.tls = transport_.description();
  status.last_error = servers.last_error();
  status.connections = transport_.connections_opened();
  return status;
}

void KmipClient::SendBatch(Batch& batch, const Deadline& deadline) {
  KmipTransport::Sent sent = transport_.Send(
      batch.calls, batch.on_error, AllIdempotent(batch.calls), deadline);
  if (sent.exchange.status.ok()) {
    if (!TakeAnswers(batch, std::move(sent))) SendBatch(batch, deadline);
    return;
  }
  batch.reached_nobody = true;
  for (size_t place = 0; place < batch.calls.size(); ++place) {
    if (sent.exchange.sent) {
      batch.Lost(place, sent.exchange.status);
    } else {
      batch.replies[place]->status = sent.exchange.status;
    }
  }
}

// False when the batch must be sent again as it is.
bool KmipClient::TakeAnswers(Batch& batch, KmipTransport::Sent sent) {
  const auto message =
      std::make_shared<const Secret>(std::move(sent.exchange.response));
  const auto response = ReadKmipResponse(message->RevealBytes());
  const size_t size = batch.calls.size();
  if (!response) {
    // Like no answer: it says nothing about what is stored.
    const Status status(StatusCode::kUnavailable, response.error().message());
    for (size_t i = 0; i < size; ++i) batch.Lost(i, status);
    return true;
  }
  if (IsOtherVersion(batch, sent, *response)) return false;
  if (TakeRefusal(batch, sent, *response)) return true;
  std::vector<bool> answered(size);
  size_t position = 0;
  for (const KmipResponseItem& item : response->items) {
    const auto place = PlaceOf(item, position++, size);
    if (!place || answered[*place]) continue;
    const KmipOperation asked = batch.calls[*place].OperationIn(sent.version);
    if (item.operation && *item.operation != asked) continue;
    answered[*place] = true;
    *batch.replies[*place] = {KmipItemStatus(asked, item), false, item.payload,
                              message};
  }
  TakeMissing(batch, sent.server, answered);
  return true;
}

void KmipClient::TakeMissing(Batch& batch, size_t server,
                             const std::vector<bool>& answered) {
  const size_t size = batch.calls.size();
  const auto missing = static_cast<size_t>(std::ranges::count(answered, false));
  if (missing == 0) return;
  Status before;  // What stopped a batch that stops.
  for (size_t place = 0; place < size; ++place) {
    KmipReply& reply = *batch.replies[place];
    if (answered[place]) {
      if (before.ok()) before = reply.status;
    } else if (!batch.may_split && !before.ok()) {
      reply.status = before.WithContext("not done after a failure");
    } else if (batch.may_split && batch.calls[place].idempotent && size > 1) {
      batch.again.push_back(place);
    } else {
      batch.Lost(place, {StatusCode::kUnavailable,
                         "the KMIP server left out the answer to " +
                             KmipName(batch.calls[place].operation)});
    }
  }
  // A single call that stays unanswered is not asked again: no endless loop.
  if (size > 1 && batch.may_split) {
    transport_.servers().LowerBatchLimit(server,
                                         std::min(size - missing, size / 2));
  }
}

// True when the server, or another in its place, speaks another version than
// was found out before. Nothing has been done then.
bool KmipClient::IsOtherVersion(Batch& batch, const KmipTransport::Sent& sent,
                                const KmipResponse& response) {
  if (transport_.options().version || batch.asked_version_again ||
      response.items.size() != 1 || !IsVersionRefusal(response.items[0])) {
    return false;
  }
  batch.asked_version_again = true;
  transport_.servers().SetVersion(sent.server, std::nullopt);
  return true;
}

// True when the one answer is about the message as a whole.
bool KmipClient::TakeRefusal(Batch& batch, const KmipTransport::Sent& sent,
                             const KmipResponse& response) {
  const size_t size = batch.calls.size();
  if (response.items.size() != 1 || size == 1) return false;
  const KmipResponseItem& item = response.items.front();
  if (item.status == KmipResultStatus::kSuccess || item.batch_item) {
    return false;
  }
  // Of a batch that stops at a failure, the first answer may be the only one.
  if (item.operation == batch.calls[0].OperationIn(sent.version)) return false;
  if (batch.may_split) {
    transport_.servers().LowerBatchLimit(sent.server, size / 2);
  }
  // Too large an answer comes after the deed; anything else instead of it.
  const bool done = item.reason == KmipResultReason::kResponseTooLarge;
  const Status status =
      KmipMessageStatus(item).WithContext("the whole batch is refused");
  for (size_t place = 0; place < size; ++place) {
    const bool idempotent = batch.calls[place].idempotent;
    if (batch.may_split && (idempotent || !done)) {
      batch.again.push_back(place);
      continue;
    }
    batch.replies[place]->status = status;
    batch.replies[place]->may_have_happened = done && !idempotent;
  }
  return true;
}

KmipChange KmipChangeOf(const KmipReply& reply) {
  KmipChange change;
  change.status = reply.status;
  change.may_have_happened = reply.may_have_happened;
  if (!reply.status.ok()) return change;
  Result<std::string> id = ReadKmipIdentifier(reply.payload);
  change.status = id.status();
  if (id) {
    change.id = *std::move(id);
  } else {
    change.may_have_happened = true;  // It says that it did it.
  }
  return change;
}

}  // namespace openkeyring
