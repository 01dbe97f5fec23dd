// SPDX-License-Identifier: MIT
#include "kmip/transport.h"

#include <algorithm>
#include <utility>

#include "kmip/negotiation.h"

namespace openkeyring {
namespace {

constexpr int kRounds = 2;
constexpr Millis kPauseBetweenRounds{100};

// One error of several servers' errors. An error that may pass wins: the others
// may be those of servers that nobody uses any more.
Status Join(const Status& before, const Status& next) {
  if (before.ok()) return next;
  const StatusCode code = before.IsTransient() ? before.code() : next.code();
  if (before.message().find(next.message()) != std::string::npos) {
    return {code, before.message()};  // In an earlier round.
  }
  return {code, before.message() + "; " + next.message()};
}

// Whether what came answers the request at all. If not, it is like no answer:
// it says nothing about what is stored.
Status CheckAnswer(const KmipExchange& exchange, KmipVersion version,
                   std::span<const KmipCall> calls) {
  const auto response = ReadKmipResponse(exchange.response.RevealBytes());
  if (!response) return {StatusCode::kUnavailable, response.error().message()};
  const auto fits = [&](const KmipResponseItem& item) {
    return !item.operation ||
           std::ranges::any_of(calls, [&](const KmipCall& call) {
             return call.OperationIn(version) == *item.operation;
           });
  };
  if (std::ranges::any_of(response->items, fits)) return Status::Ok();
  return {StatusCode::kUnavailable,
          "KMIP: the answer is not one to what was asked"};
}

}  // namespace

KmipTransport::KmipTransport(KmipClientOptions options,
                             StreamConnector& connector, Clock& clock, Log& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      servers_(options_.servers, clock, options_.max_batch),
      pool_(connector, clock, options_.pool) {}

KmipTransport::Sent KmipTransport::Send(std::span<const KmipCall> calls,
                                        KmipBatchError on_error, bool resend,
                                        const Deadline& deadline) {
  Sent sent;
  Status errors;
  for (int round = 0; round < kRounds; ++round) {
    if (round > 0) {
      clock_.SleepFor(
          std::min(kPauseBetweenRounds, deadline.Remaining(clock_)));
    }
    size_t left = servers_.size();
    for (const size_t server : servers_.Order()) {
      if (deadline.Passed(clock_)) break;
      sent = SendTo(server, calls, on_error, resend, Share(deadline, left--));
      Tell(server, sent.exchange.status);
      if (sent.exchange.status.ok()) return sent;
      errors = Join(errors, sent.exchange.status);
      if (sent.exchange.sent && !resend) {
        sent.exchange.status = errors;
        return sent;
      }
    }
    if (!errors.IsTransient()) break;
  }
  if (errors.ok()) {
    errors = {StatusCode::kTimeout, "no time left to ask a KMIP server"};
  }
  sent.exchange.status = errors;
  return sent;
}

std::string KmipTransport::description() const {
  const std::lock_guard lock(mutex_);
  return description_;
}

// One that hangs must leave time for the others.
Deadline KmipTransport::Share(const Deadline& deadline, size_t servers) const {
  const Millis share = deadline.Remaining(clock_) / servers;
  return deadline.Within(clock_, std::min(share, options_.request_timeout));
}

KmipTransport::Sent KmipTransport::SendTo(size_t server,
                                          std::span<const KmipCall> calls,
                                          KmipBatchError on_error, bool resend,
                                          const Deadline& bound) {
  bool was_kept = false;
  Sent sent = Try(server, false, calls, on_error, bound, was_kept);
  // A kept connection may have died unnoticed; that says nothing of the server.
  const bool again = was_kept && !sent.exchange.status.ok() &&
                     sent.exchange.status.code() != StatusCode::kTimeout &&
                     (resend || !sent.exchange.sent);
  if (!again) return sent;
  pool_.Forget(servers_.endpoint(server));
  return Try(server, true, calls, on_error, bound, was_kept);
}

KmipTransport::Sent KmipTransport::Try(size_t server, bool fresh,
                                       std::span<const KmipCall> calls,
                                       KmipBatchError on_error,
                                       const Deadline& deadline,
                                       bool& was_kept) {
  Sent sent;
  sent.server = server;
  was_kept = false;
  const Result<KmipVersion> version = VersionOf(server, deadline);
  if (!version) {
    sent.exchange.status = version.error();
    return sent;
  }
  sent.version = *version;
  auto lease = pool_.Take(servers_.endpoint(server), fresh, deadline);
  if (!lease) {
    sent.exchange.status = lease.error();
    return sent;
  }
  was_kept = lease->was_kept();
  const Secret request =
      WriteKmipRequest({*version, options_.max_response_size, on_error}, calls);
  sent.exchange =
      ExchangeKmip(lease->stream(), request,
                   static_cast<size_t>(options_.max_response_size), deadline);
  Describe(*lease);
  if (sent.exchange.status.ok()) {
    sent.exchange.status = CheckAnswer(sent.exchange, *version, calls);
  }
  if (sent.exchange.status.ok()) {
    lease->Keep();
  } else {
    sent.exchange.status = OfServer(server, sent.exchange.status);
  }
  return sent;
}

Result<KmipVersion> KmipTransport::VersionOf(size_t server,
                                             const Deadline& deadline) {
  if (options_.version) return *options_.version;
  if (const auto known = servers_.Version(server)) return *known;
  // A new connection: that an old one is cut must not look like an answer.
  bool fresh = true;
  const auto exchange = [&](const Secret& request) {
    KmipExchange done;
    auto lease = pool_.Take(servers_.endpoint(server), fresh, deadline);
    if (!lease) {
      done.status = lease.error();
      return done;
    }
    done =
        ExchangeKmip(lease->stream(), request,
                     static_cast<size_t>(options_.max_response_size), deadline);
    Describe(*lease);
    fresh = !done.status.ok();
    if (!fresh) lease->Keep();
    return done;
  };
  Result<KmipVersion> found = DiscoverKmipVersion(exchange);
  if (!found) return OfServer(server, found.error());
  servers_.SetVersion(server, *found);
  return found;
}

Status KmipTransport::OfServer(size_t server, const Status& status) const {
  const std::string name = servers_.endpoint(server).Text();
  const bool named = status.message().find(name) != std::string::npos;
  return status.WithContext(named ? "KMIP server" : "KMIP server " + name);
}

void KmipTransport::Describe(StreamPool::Lease& lease) {
  if (lease.was_kept()) return;
  const std::lock_guard lock(mutex_);
  description_ = lease.stream().Description();
}

void KmipTransport::Tell(size_t server, const Status& status) {
  const std::string name = servers_.endpoint(server).Text();
  if (status.ok()) {
    if (servers_.Succeeded(server)) {
      log_.Write(LogLevel::kNote, "using KMIP server " + name);
    }
    return;
  }
  const bool news = servers_.Failed(server, status);
  pool_.Forget(servers_.endpoint(server));
  // With a single server the caller has the error, and says it.
  log_.Write(
      news && servers_.size() > 1 ? LogLevel::kWarning : LogLevel::kDebug,
      "KMIP server " + name + " failed: " + status.message());
}

}  // namespace openkeyring
