// SPDX-License-Identifier: MIT
#include "kmip/client.h"

#include <algorithm>
#include <utility>

#include "kmip/operations/identified.h"

namespace openkeyring {
namespace {

void FillReplies(const KmipDelivery& delivery, std::span<const KmipCall> calls,
                 std::span<KmipReply> replies) {
  for (size_t i = 0; i < calls.size(); ++i) {
    const KmipResponseItem& item = delivery.response.items[i];
    replies[i] = {KmipItemStatus(calls[i].operation, item), false, item.payload,
                  delivery.message};
  }
}

void FillUnanswered(const KmipDelivery& delivery,
                    std::span<const KmipCall> calls,
                    std::span<KmipReply> replies) {
  for (size_t i = 0; i < calls.size(); ++i) {
    replies[i].status = delivery.status;
    replies[i].may_have_happened = delivery.sent && !calls[i].idempotent;
  }
}

}  // namespace

KmipClient::KmipClient(KmipClientOptions options, StreamConnector& connector,
                       Clock& clock, Log& log)
    : transport_(std::move(options), connector, clock, log) {}

std::vector<KmipReply> KmipClient::Call(std::span<const KmipCall> calls,
                                        const Deadline& deadline) {
  return KmipSession(*this).Call(calls, deadline);
}

KmipChange KmipClient::Change(const KmipCall& call, const Deadline& deadline) {
  return KmipSession(*this).Change(call, deadline);
}

std::string KmipClient::ServerName(size_t server) const {
  return transport_.options().servers[server].Text();
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

std::vector<KmipReply> KmipSession::Call(std::span<const KmipCall> calls,
                                         const Deadline& deadline) {
  std::vector<KmipReply> replies(calls.size());
  KmipTransport& transport = client_.transport_;
  for (size_t done = 0; done < calls.size();) {
    const size_t size = BatchSize(calls.subspan(done));
    const auto batch = calls.subspan(done, size);
    const KmipDelivery delivery = transport.Send(batch, server_, deadline);
    if (delivery.server) server_ = delivery.server;
    const auto filled = std::span(replies).subspan(done);
    if (!delivery.status.ok()) {
      // The rest would meet the same: asking once is enough.
      FillUnanswered(delivery, batch, filled.first(size));
      for (KmipReply& reply : filled.subspan(size)) {
        reply.status = delivery.status;
      }
      break;
    }
    if (delivery.fit == KmipFit::kAnswers) {
      FillReplies(delivery, batch, filled);
      done += size;
    } else {
      // Only several calls can be refused as a whole: this comes to an end.
      transport.servers().LowerBatchLimit(*server_, size / 2);
    }
  }
  return replies;
}

// How many of the first calls go into one message.
size_t KmipSession::BatchSize(std::span<const KmipCall> calls) const {
  if (!calls.front().idempotent) return 1;
  KmipServerList& servers = client_.transport_.servers();
  const size_t limit =
      servers.BatchLimit(server_ ? *server_ : servers.Order().front());
  const auto lone = std::ranges::find(calls, false, &KmipCall::idempotent);
  return std::min(limit, static_cast<size_t>(lone - calls.begin()));
}

KmipChange KmipSession::Change(const KmipCall& call, const Deadline& deadline) {
  const KmipReply reply = std::move(Call({&call, 1}, deadline).front());
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

std::string KmipSession::ServerName() const {
  return server_ ? client_.ServerName(*server_) : "";
}

}  // namespace openkeyring
